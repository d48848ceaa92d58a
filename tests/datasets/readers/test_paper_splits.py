# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The four classification data sets from their real annotation files are those of the paper."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from verl_visual_rft.datasets.few_shot import coop
from verl_visual_rft.datasets.readers.cars196 import read_cars196
from verl_visual_rft.datasets.readers.classification import ClassificationSplits
from verl_visual_rft.datasets.readers.fgvc_aircraft import read_fgvc_aircraft
from verl_visual_rft.datasets.readers.flowers102 import read_flowers102
from verl_visual_rft.datasets.readers.pets37 import read_pets37
from verl_visual_rft.errors import UserError
from verl_visual_rft.labels import canonical, match_closed_set
from verl_visual_rft.tasks.classification.question import ClassificationQuestion

Read = Callable[[str], ClassificationSplits]
SIZES = {
    "flowers102": (4093, 1633, 2463, 102),
    "pets37": (2944, 736, 3669, 37),
    "cars196": (6509, 1635, 8041, 196),
    "fgvc_aircraft": (3334, 3333, 3333, 100),
}
COOP_NAMES = {
    "flowers102": "oxford_flowers",
    "pets37": "oxford_pets",
    "cars196": "stanford_cars",
    "fgvc_aircraft": "fgvc_aircraft",
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_the_published_ones(name: str, read_real: Read) -> None:
    splits = read_real(name)
    assert (len(splits.train), len(splits.val), len(splits.test), len(splits.classes.names)) == SIZES[name]


@pytest.mark.parametrize("name", SIZES)
def test_the_test_list_is_the_papers_in_files_labels_and_order(name: str, read_real: Read, real_data: Path) -> None:
    published = json.loads((real_data / "visual_rft" / f"eval_list_{name}.json").read_text())
    splits = read_real(name)
    read = [(question.picture.path.name, question.label) for question in splits.test]
    assert read == [(file, label) for file, label, _ in published["rows"]]
    differing = {
        ours: theirs
        for ours, theirs in zip(splits.classes.names, published["classnames"], strict=True)
        if ours != theirs
    }
    assert differing == ({"colt's foot": "colts foot"} if name == "flowers102" else {})
    assert all(canonical(ours) == canonical(theirs) for ours, theirs in differing.items())


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("shots", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("name", SIZES)
def test_the_coop_sampler_draws_coops_published_lists(
    name: str, shots: int, seed: int, read_real: Read, real_data: Path
) -> None:
    digests = json.loads((real_data / "coop" / "few_shot_digests.json").read_text())
    published = digests[COOP_NAMES[name]][f"shot_{shots}-seed_{seed}"]
    splits = read_real(name)
    train, val = coop(splits.train, splits.val, shots, seed)
    assert digest(train) == published["train"]["sha256"]
    assert digest(val) == published["val"]["sha256"]


def digest(questions: list[ClassificationQuestion]) -> str:
    lines = (f"{question.picture.path.name}\t{question.label}" for question in questions)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def every(splits: ClassificationSplits) -> list[ClassificationQuestion]:
    return [*splits.train, *splits.val, *splits.test]


def test_the_official_split_of_flowers_is_smaller_in_train(flowers_root: Path) -> None:
    splits = read_flowers102(flowers_root, "official")
    assert (len(splits.train), len(splits.val), len(splits.test)) == (1020, 1020, 6149)
    labels = {question.picture.id: question.label for question in every(read_flowers102(flowers_root))}
    assert {question.picture.id: question.label for question in every(splits)} == labels


def test_the_two_flower_splits_name_classes_alike(flowers_root: Path) -> None:
    assert read_flowers102(flowers_root, "official").classes == read_flowers102(flowers_root).classes


def test_the_devkit_of_cars_has_no_test_labels(cars_root: Path) -> None:
    with pytest.raises(UserError, match="no cars_test_annos_withlabels.mat(.|\n)*has no labels"):
        read_cars196(cars_root, "official")


def test_cars_of_both_folders_have_different_ids(cars_root: Path) -> None:
    splits = read_cars196(cars_root)
    ids = [question.picture.id for question in every(splits)]
    assert len(set(ids)) == len(ids) == 16185
    assert "cars_train/00001" in ids and "cars_test/00001" in ids


def test_every_car_is_known_with_the_year_last_too(cars_root: Path) -> None:
    classes = read_cars196(cars_root).classes
    assert classes.aliases["2012 Ram C/V Cargo Van Minivan"] == ("Ram C/V Cargo Van Minivan 2012",)
    for name in classes.names:
        year, model = name.split(" ", 1)
        assert match_closed_set(f"{model} {year}", classes.names, classes.aliases) == name


def test_numbers_of_aircraft_keep_their_zeros_and_names_their_spaces(aircraft_root: Path) -> None:
    splits = read_fgvc_aircraft(aircraft_root)
    assert splits.test[1].picture.id == "0747566"
    assert {"BAE 146-200", "F-16A/B", "F/A-18"} <= set(splits.classes.names)
    assert {question.picture.crop_bottom for question in splits.test} == {0}


def test_the_banner_is_cropped_on_demand(aircraft_root: Path) -> None:
    assert {question.picture.crop_bottom for question in read_fgvc_aircraft(aircraft_root, True).train} == {20}


@pytest.mark.parametrize(
    ("name", "container", "asked"),
    [
        ("flowers102", "a plant", "the species of the plant"),
        ("pets37", "a pet", "the species of the pet"),
        ("cars196", "a car", "the model of the car"),
        ("fgvc_aircraft", "an aircraft", "the model of the aircraft"),
    ],
)
def test_each_data_set_is_asked_about_in_its_own_words(name: str, container: str, asked: str, read_real: Read) -> None:
    classes = read_real(name).classes
    assert (classes.container, classes.asked) == (container, asked)


def test_a_png_under_the_name_of_a_jpeg_is_a_question_like_any_other(pets_root: Path) -> None:
    assert "Abyssinian_5.jpg" in {question.picture.path.name for question in read_pets37(pets_root).test}


def test_a_sample_of_the_breeds_is_not_taken_for_the_data_set(real_data: Path) -> None:
    with pytest.raises(UserError, match=r"trainval.txt:\d+: 'Bengal_\d+.jpg' has class number 6"):
        read_pets37(real_data / "pets37", "official")
