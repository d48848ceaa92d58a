# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the readers of the four classification data sets refuse, on miniatures in the original layouts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from verl_visual_rft.datasets.readers.cars196 import read_cars196
from verl_visual_rft.datasets.readers.classification import ClassificationSplits
from verl_visual_rft.datasets.readers.fgvc_aircraft import read_fgvc_aircraft
from verl_visual_rft.datasets.readers.flowers102 import read_flowers102
from verl_visual_rft.datasets.readers.pets37 import read_pets37
from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.originals.cars196 import write_cars196
from verl_visual_rft.miniature.originals.fgvc_aircraft import write_fgvc_aircraft
from verl_visual_rft.miniature.originals.flowers102 import write_flowers102
from verl_visual_rft.miniature.originals.pets37 import write_pets37

Read = Callable[[Path], ClassificationSplits]
DATA_SETS: dict[str, tuple[Callable[[Path, int], None], Read]] = {
    "flowers102": (write_flowers102, read_flowers102),
    "pets37": (write_pets37, read_pets37),
    "cars196": (write_cars196, read_cars196),
    "fgvc_aircraft": (write_fgvc_aircraft, read_fgvc_aircraft),
}
SPLIT_FILES = {
    "flowers102": "split_zhou_OxfordFlowers.json",
    "pets37": "split_zhou_OxfordPets.json",
    "cars196": "split_zhou_StanfordCars.json",
}


@pytest.fixture(scope="session")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("miniatures")
    for name, (write, _) in DATA_SETS.items():
        (folder / name).mkdir()
        write(folder / name, 0)
    return folder


@pytest.fixture
def root(miniatures: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy to damage, of the data set that the test names."""
    return Path(shutil.copytree(miniatures / request.param, tmp_path / request.param))


def edit_split(root: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = root / SPLIT_FILES[name]
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def edit_mat(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = {key: value for key, value in loadmat(str(path)).items() if not key.startswith("__")}
    change(content)
    savemat(str(path), content)


@pytest.mark.parametrize(("root", "name"), [(name, name) for name in DATA_SETS], indirect=["root"])
def test_a_miniature_is_read_whole(root: Path, name: str) -> None:
    splits = DATA_SETS[name][1](root)
    questions = [*splits.train, *splits.val, *splits.test]
    assert {question.label for question in splits.train} == set(range(len(splits.classes.names)))
    assert all(question.picture.path.is_file() for question in questions)
    assert all(question.picture.path.as_posix().endswith(question.picture.name) for question in questions)
    assert all(source.is_file() for source in splits.sources)


@pytest.mark.parametrize(
    ("root", "read", "missing"),
    [
        ("flowers102", read_flowers102, "imagelabels.mat"),
        ("flowers102", read_flowers102, "split_zhou_OxfordFlowers.json"),
        ("flowers102", lambda root: read_flowers102(root, "official"), "setid.mat"),
        ("flowers102", lambda root: read_flowers102(root, "official"), "cat_to_name.json"),
        ("pets37", read_pets37, "split_zhou_OxfordPets.json"),
        ("pets37", lambda root: read_pets37(root, "official"), "annotations/test.txt"),
        ("cars196", read_cars196, "devkit/cars_meta.mat"),
        ("cars196", lambda root: read_cars196(root, "official"), "cars_test_annos_withlabels.mat"),
        ("fgvc_aircraft", read_fgvc_aircraft, "fgvc-aircraft-2013b/data/variants.txt"),
        ("fgvc_aircraft", read_fgvc_aircraft, "fgvc-aircraft-2013b/data/images_variant_val.txt"),
    ],
    indirect=["root"],
)
def test_a_missing_file_of_the_layout_is_named(root: Path, read: Read, missing: str) -> None:
    (root / missing).unlink()
    with pytest.raises(UserError) as caught:
        read(root)
    assert Path(missing).name in str(caught.value)
    assert "Expected layout" in str(caught.value) or "CoOp (DATASETS.md)" in str(caught.value)


@pytest.mark.parametrize(("root", "name"), [(name, name) for name in DATA_SETS], indirect=["root"])
def test_a_missing_picture_is_named_with_its_entry(root: Path, name: str) -> None:
    read = DATA_SETS[name][1]
    gone = read(root).test[0].picture.path
    gone.unlink()
    with pytest.raises(UserError, match=rf"1 of \d+ listed pictures have no file:\n  .*{gone.name} \(.*(\[|:)"):
        read(root)


@pytest.mark.parametrize(("root", "name"), [(name, name) for name in SPLIT_FILES], indirect=["root"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda split: split["test"].append(split["train"][0]), r"test\[\d+\]: .* stands already in .*train\[0\]"),
        (lambda split: split["val"].append(split["val"][0]), r"val\[\d+\]: .* stands already in .*val\[0\]"),
        (lambda split: shift(split, 1), "labels run from 1 to"),
        (lambda split: shift(split, -1), "labels run from -1 to"),
        (lambda split: split["train"].insert(0, ["x.jpg", 0]), r"train\[0\] is .*, not \[path, label, class name\]"),
        (lambda split: split["train"][0].__setitem__(1, True), r"train\[0\] is .*, not \[path, label, class name\]"),
        (lambda split: split["test"][-1].__setitem__(2, "other"), r"test\[\d+\]: label \d is 'other' here"),
        (lambda split: split.pop("val"), "no list under 'val'"),
        (lambda split: split["test"].clear(), "the test split is empty"),
    ],
)
def test_a_damaged_split_file_is_refused(
    root: Path, name: str, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    edit_split(root, name, change)
    with pytest.raises(UserError, match=message):
        DATA_SETS[name][1](root)


def shift(split: dict[str, Any], by: int) -> None:
    for entry in (entry for entries in split.values() for entry in entries):
        entry[1] += by


@pytest.mark.parametrize("name", SPLIT_FILES)
def test_labels_that_are_rotated_are_refused(name: str, miniatures: Path, tmp_path: Path) -> None:
    """Labels that are whole in themselves but belong to other classes: only the original can tell."""
    root = Path(shutil.copytree(miniatures / name, tmp_path / name))

    def rotate(split: dict[str, Any]) -> None:
        entries = [entry for part in split.values() for entry in part]
        names = {entry[1]: entry[2] for entry in entries}
        for entry in entries:
            entry[1] = (entry[1] + 1) % len(names)
            entry[2] = names[entry[1]]

    edit_split(root, name, rotate)
    with pytest.raises(UserError, match="has label|has class number"):
        DATA_SETS[name][1](root)


@pytest.mark.parametrize(("root", "name"), [(name, name) for name in SPLIT_FILES], indirect=["root"])
@pytest.mark.parametrize("path", ["../{}", "/{}", "a/../../{}", "..", "."])
def test_a_path_may_not_lead_out_of_the_image_folder(root: Path, name: str, path: str) -> None:
    edit_split(root, name, lambda split: split["test"][0].__setitem__(0, path.format(split["test"][0][0])))
    with pytest.raises(UserError, match=r"test\[0\]: .* is no path inside the image folder"):
        DATA_SETS[name][1](root)


@pytest.mark.parametrize("root", ["cars196"], indirect=True)
def test_neither_may_a_path_in_a_matlab_file(root: Path) -> None:
    def lead_out(content: dict[str, Any]) -> None:
        content["annotations"][0][0]["fname"] = np.array(["../devkit/cars_meta.mat"])

    edit_mat(root / "devkit/cars_train_annos.mat", lead_out)
    with pytest.raises(UserError, match=r"annotations\[0\]: .* is no path inside the image folder"):
        read_cars196(root)


@pytest.mark.parametrize("root", ["cars196"], indirect=True)
@pytest.mark.parametrize("file", ["cars_test/\0.jpg", "cars_test/" + 300 * "a"])
def test_a_file_name_that_cannot_be_is_a_missing_picture(root: Path, file: str) -> None:
    edit_split(root, "cars196", lambda split: split["test"][0].__setitem__(0, file))
    with pytest.raises(UserError, match="1 of 40 listed pictures have no file"):
        read_cars196(root)


@pytest.mark.parametrize("root", ["flowers102"], indirect=True)
def test_swapped_flower_splits_are_recognised(root: Path) -> None:
    def swap(content: dict[str, Any]) -> None:
        content["trnid"], content["tstid"] = content["tstid"], content["trnid"]

    edit_mat(root / "setid.mat", swap)
    with pytest.raises(UserError, match="24 pictures under 'trnid' and 16 under 'tstid'(.|\n)*mirror that swaps"):
        read_flowers102(root, "official")


@pytest.mark.parametrize("root", ["flowers102"], indirect=True)
@pytest.mark.parametrize("split", ["coop", "official"])
@pytest.mark.parametrize("by", [-1, 1])
def test_shifted_flower_labels_are_recognised(root: Path, split: Any, by: int) -> None:
    edit_mat(root / "imagelabels.mat", lambda content: content.update(labels=content["labels"].astype(np.int16) + by))
    with pytest.raises(UserError, match=r"imagelabels.mat(: labels run from|; take the published)"):
        read_flowers102(root, split)


@pytest.mark.parametrize("root", ["flowers102"], indirect=True)
def test_flower_numbers_outside_the_data_set_are_refused(root: Path) -> None:
    edit_mat(root / "setid.mat", lambda content: content["trnid"].__setitem__((0, 3), 0))
    with pytest.raises(UserError, match=r"trnid\[3\] is 0, not a picture from 1 to 56"):
        read_flowers102(root, "official")


@pytest.mark.parametrize("root", ["pets37"], indirect=True)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" 1 1 1\n", " 0 1 1\n", "count from 1"),
        (" 1 1 1\n", " 2 1 1\n", "has class number 2, which is 'american_bulldog'"),
        (" 1 1 1\n", " 1 1\n", "is not 'name class species breed'"),
        (" 6 1 2\n", " 7 1 2\n", "has class number 7, which is 'no class'"),
        ("Abyssinian_", "Abyssinian", "is not named breed_number.jpg"),
    ],
)
def test_pet_lists_that_are_not_the_original_are_refused(root: Path, old: str, new: str, message: str) -> None:
    path = root / "annotations/trainval.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=rf"trainval.txt:\d+: .*{message}"):
        read_pets37(root, "official")


@pytest.mark.parametrize("root", ["pets37"], indirect=True)
def test_the_official_pets_have_no_val_part(root: Path) -> None:
    splits = read_pets37(root, "official")
    assert (len(splits.train), len(splits.val), len(splits.test)) == (36, 0, 24)
    assert splits.classes == read_pets37(root).classes


@pytest.mark.parametrize("root", ["cars196"], indirect=True)
def test_zero_based_cars_are_recognised(root: Path) -> None:
    def to_zero_based(content: dict[str, Any]) -> None:
        for record in content["annotations"][0]:
            record["class"] = record["class"].astype(np.int16) - 1

    edit_mat(root / "devkit/cars_train_annos.mat", to_zero_based)
    with pytest.raises(
        UserError, match=r"cars_train_annos.mat: annotations\[\d+\]: class 0; the original's are 1 to 4"
    ):
        read_cars196(root, "official")


@pytest.mark.parametrize("root", ["cars196"], indirect=True)
def test_a_split_file_that_names_cars_otherwise_is_refused(root: Path) -> None:
    def rename(split: dict[str, Any]) -> None:
        for entry in (entry for entries in split.values() for entry in entries):
            entry[2] = entry[2].replace("2012 Acura RL Sedan", "Acura RL Sedan 2012")

    edit_split(root, "cars196", rename)
    with pytest.raises(UserError, match="'Acura RL Sedan 2012' and '2012 Acura RL Sedan'; take the published files"):
        read_cars196(root)


@pytest.mark.parametrize("root", ["cars196"], indirect=True)
def test_names_with_slashes_and_accents_stay_as_they_are(root: Path) -> None:
    for split in ("coop", "official"):
        names = read_cars196(root, split).classes.names  # type: ignore[arg-type]
        assert names == (
            "2000 AM General Hummer SUV", "2012 Acura RL Sedan", "2012 Citroën C4 Hatchback",
            "2012 Ram C/V Cargo Van Minivan",
        )  # fmt: skip


@pytest.mark.parametrize("root", ["fgvc_aircraft"], indirect=True)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("707-320", "Boeing 707-320", "'Boeing 707-320' is not in variants.txt"),
        (" 707-320", "", "is not 'number variant'"),
    ],
)
def test_aircraft_lines_that_are_not_the_original_are_refused(root: Path, old: str, new: str, message: str) -> None:
    path = root / "fgvc-aircraft-2013b/data/images_variant_test.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=rf"images_variant_test.txt:1: .*{message}"):
        read_fgvc_aircraft(root)


@pytest.mark.parametrize("root", ["fgvc_aircraft"], indirect=True)
def test_the_aircraft_archive_is_found_around_and_inside_its_folder(root: Path) -> None:
    archive = root / "fgvc-aircraft-2013b"
    assert read_fgvc_aircraft(root) == read_fgvc_aircraft(archive) == read_fgvc_aircraft(archive / "data")


@pytest.mark.parametrize("root", ["flowers102"], indirect=True)
@pytest.mark.parametrize("name", ["<image>", "Pink  Primrose", " ", "...", "\ud800"])
def test_class_names_that_cannot_be_used_are_refused(root: Path, name: str) -> None:
    path = root / "cat_to_name.json"
    names = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**names, "2": name}))
    with pytest.raises(
        UserError, match="cat_to_name.json.* (placeholder|surrogate|same name|empty name|punctuation only)"
    ):
        read_flowers102(root, "official")
