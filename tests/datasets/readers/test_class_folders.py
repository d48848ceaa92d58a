# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A folder per class."""

from __future__ import annotations

from pathlib import Path

import pytest

from verl_visual_rft.datasets.readers.class_folders import read_class_folders
from verl_visual_rft.datasets.readers.classification import ClassificationSplits
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError


def make(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file)
    return root


def read(root: Path) -> ClassificationSplits:
    return read_class_folders(root, "a mushroom", "the species of the mushroom")


def test_splits_share_their_classes_in_the_order_of_the_names(tmp_path: Path) -> None:
    splits = read(make(tmp_path, "train/morel/b.JPG", "train/morel/a.png", "train/cèpe/1.jpg", "val/morel/1.jpg"))
    assert splits.classes.names == ("cèpe", "morel")
    assert [(q.picture.name, q.name) for q in splits.train] == [
        ("train/cèpe/1.jpg", "cèpe"),
        ("train/morel/a.png", "morel"),
        ("train/morel/b.JPG", "morel"),
    ]
    assert [q.label for q in splits.val] == [1]
    assert (splits.test, splits.skips) == ((), ())


def test_without_splits_everything_is_for_training(tmp_path: Path) -> None:
    splits = read(make(tmp_path, "bus/1.jpg", "train/1.jpg"))
    assert [q.name for q in splits.train] == ["bus", "train"]


def test_other_files_are_skipped_and_listed(tmp_path: Path) -> None:
    splits = read(make(tmp_path, "morel/1.jpg", "morel/Thumbs.db", "morel/.DS_Store", ".git/config", "notes.txt"))
    assert len(splits.train) == 1
    assert splits.skips == (Skip("no picture file", "morel/.DS_Store"), Skip("no picture file", "morel/Thumbs.db"))


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("train", "valid", "test"),
        ("Train", "Val", "Test"),
        ("training", "validation", "testing"),
        ("TRAIN", "dev", "TEST"),
    ],
)
def test_splits_are_known_by_the_names_that_tools_give_them(tmp_path: Path, train: str, val: str, test: str) -> None:
    splits = read(make(tmp_path, f"{train}/morel/1.jpg", f"{val}/morel/2.jpg", f"{test}/morel/3.jpg"))
    asked = [q.picture.name for q in (*splits.train, *splits.val, *splits.test)]
    assert asked == [f"{train}/morel/1.jpg", f"{val}/morel/2.jpg", f"{test}/morel/3.jpg"]
    assert (splits.classes.names, splits.skips) == (("morel",), ())


def test_what_is_beside_splits_and_classes_is_listed(tmp_path: Path) -> None:
    splits = read(make(tmp_path, "train/morel/1.jpg", "train/2.jpg", "more/morel/3.jpg", "__MACOSX/morel/._1.jpg"))
    assert splits.skips == (Skip("folder beside the splits", "more"), Skip("picture in no class folder", "train/2.jpg"))


def test_one_picture_in_several_classes_is_of_none(tmp_path: Path) -> None:
    root = make(tmp_path, "train/cèpe/1.jpg", "train/cèpe/2.jpg", "train/morel/3.jpg", "val/morel/4.jpg")
    for name in ("train/cèpe/2.jpg", "train/morel/3.jpg", "val/morel/4.jpg"):
        (root / name).write_text("the same")
    make(root, "train/cèpe/5.jpg")
    (root / "train/cèpe/5.jpg").write_bytes((root / "train/cèpe/1.jpg").read_bytes())  # twice in one class: no harm
    splits = read(root)
    assert [q.picture.name for q in splits.train] == ["train/cèpe/1.jpg", "train/cèpe/5.jpg"]
    assert splits.val == ()
    names = "train/cèpe/2.jpg, train/morel/3.jpg, val/morel/4.jpg"
    assert splits.skips == (Skip("one picture in several classes", names),)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("val/morel/1.jpg", "valid/morel/2.jpg", "train/morel/3.jpg"), "val and valid are both the val split"),
        ((), "no training pictures"),
        (("a.jpg",), "no training pictures"),
        (("val/morel/1.jpg",), "no training pictures"),
        (("morel/notes.txt",), "has no pictures"),
        (("Morel/1.jpg", "morel/1.jpg"), "same name"),
        (("<image>/1.jpg",), "placeholder"),
    ],
)
def test_what_is_no_data_set_is_refused(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(make(tmp_path, *files))


@pytest.mark.parametrize(
    ("train", "val"), [("train2017", "val2017"), ("train_set", "val_set"), ("images/train", "images/val")]
)
def test_folders_that_are_taken_for_classes_are_named(tmp_path: Path, train: str, val: str) -> None:
    make(tmp_path, f"{train}/rose/1.jpg", f"{val}/rose/2.jpg")
    named = train.split("/")[0]
    with pytest.raises(UserError, match=rf"in its folders '{named}'.* are taken for classes. Expected layout"):
        read(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none is not a folder"):
        read(tmp_path / "none")
