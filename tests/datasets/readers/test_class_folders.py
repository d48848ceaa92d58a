# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A folder per class."""

from __future__ import annotations

from pathlib import Path

import pytest

from verl_visual_rft.datasets.questions import Skip
from verl_visual_rft.datasets.readers.class_folders import read_class_folders
from verl_visual_rft.datasets.readers.classification import ClassificationSplits
from verl_visual_rft.errors import UserError


def make(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
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
    ("files", "message"),
    [
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


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none is not a folder"):
        read(tmp_path / "none")
