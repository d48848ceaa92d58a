# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The real annotation files in their original layout, with an empty file for every picture: readers open none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from shared_inputs import shared

from verl_visual_rft.datasets.readers.cars196 import read_cars196
from verl_visual_rft.datasets.readers.classification import ClassificationSplits
from verl_visual_rft.datasets.readers.fgvc_aircraft import read_fgvc_aircraft
from verl_visual_rft.datasets.readers.flowers102 import read_flowers102
from verl_visual_rft.datasets.readers.pets37 import read_pets37

VARIANT_PICTURES = 100  # of each aircraft variant in train, val and test together


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real annotation files."""
    return shared("data")


@pytest.fixture(scope="session")
def flowers_root(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("flowers102")
    copy(real_data / "flowers102", root, "imagelabels.mat", "setid.mat", "cat_to_name.json")
    copy(real_data / "coop", root, "split_zhou_OxfordFlowers.json")
    touch(root / "jpg", (f"image_{number:05d}.jpg" for number in range(1, 8190)))
    return root


@pytest.fixture(scope="session")
def pets_root(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Only CoOp's split: the real lists at hand are those of three breeds."""
    root = tmp_path_factory.mktemp("pets37")
    copy(real_data / "coop", root, "split_zhou_OxfordPets.json")
    touch(root / "images", listed(root / "split_zhou_OxfordPets.json"))
    return root


@pytest.fixture(scope="session")
def cars_root(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cars196")
    copy(real_data / "cars196", root / "devkit", "cars_meta.mat", "cars_train_annos.mat", "cars_test_annos.mat")
    copy(real_data / "coop", root, "split_zhou_StanfordCars.json")
    touch(root / "cars_train", (f"{number:05d}.jpg" for number in range(1, 8145)))
    touch(root / "cars_test", (f"{number:05d}.jpg" for number in range(1, 8042)))
    return root


@pytest.fixture(scope="session")
def aircraft_root(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test list is whole; lines of train and val that are not at hand get a made number at their place."""
    source = real_data / "fgvc_aircraft"
    root = tmp_path_factory.mktemp("aircraft")
    data = root / "data"
    copy(source, data, "variants.txt", "images_variant_test.txt")
    variants = (data / "variants.txt").read_text().splitlines()
    test = [line.split(" ", 1)[1] for line in (data / "images_variant_test.txt").read_text().splitlines()]
    starts = json.loads((source / "train_class_starts.json").read_text())["starts"]
    train_counts = [end - start for start, end in zip(starts, starts[1:], strict=False)]
    val_counts = [
        VARIANT_PICTURES - train - test.count(name) for train, name in zip(train_counts, variants, strict=True)
    ]
    complete(source / "images_variant_train.partial.tsv", data / "images_variant_train.txt", variants, train_counts)
    complete(source / "images_variant_val.partial.tsv", data / "images_variant_val.txt", variants, val_counts)
    lists = [data / f"images_variant_{split}.txt" for split in ("train", "val", "test")]
    touch(data / "images", (f"{line[:7]}.jpg" for path in lists for line in path.read_text().splitlines()))
    return root


@pytest.fixture(scope="session")
def read_real(request: pytest.FixtureRequest) -> Callable[[str], ClassificationSplits]:
    """Read a data set by name, once."""
    read: dict[str, ClassificationSplits] = {}
    readers: dict[str, tuple[str, Callable[[Path], ClassificationSplits]]] = {
        "flowers102": ("flowers_root", read_flowers102),
        "pets37": ("pets_root", read_pets37),
        "cars196": ("cars_root", read_cars196),
        "fgvc_aircraft": ("aircraft_root", read_fgvc_aircraft),
    }

    def reader(name: str) -> ClassificationSplits:
        if name not in read:
            root, function = readers[name]
            read[name] = function(request.getfixturevalue(root))
        return read[name]

    return reader


def copy(source: Path, folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(source / name, folder / name)


def touch(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def listed(split_file: Path) -> list[str]:
    content: dict[str, Any] = json.loads(split_file.read_text())
    return [entry[0] for split in content.values() for entry in split]


def complete(partial: Path, out: Path, variants: list[str], counts: list[int]) -> None:
    known = {}
    for line in partial.read_text().splitlines()[1:]:
        position, number, name = line.split("\t")
        known[int(position)] = f"{number} {name}"
    names = [name for name, count in zip(variants, counts, strict=True) for _ in range(count)]
    # Real numbers begin with 0, 1 or 2; the made ones of train and val must differ.
    first = "8" if "train" in partial.name else "9"
    lines = [known.get(i, f"{first}{i:06d} {name}") for i, name in enumerate(names)]
    assert all(line.split(" ", 1)[1] == name for line, name in zip(lines, names, strict=True))
    out.write_text("".join(f"{line}\n" for line in lines))
