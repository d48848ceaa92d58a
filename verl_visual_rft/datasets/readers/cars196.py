# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Stanford Cars (Krause et al., 2013): 16 185 pictures of 196 models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from verl_visual_rft.datasets.readers.classification import (
    ClassificationSplits,
    CoopSplit,
    Entry,
    build_splits,
    find_split_file,
    read_coop_split,
    require,
)
from verl_visual_rft.datasets.readers.matlab import read_names, read_records
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.classification.question import ClassSet, class_set

SPLIT_FILE = "split_zhou_StanfordCars.json"
META = "devkit/cars_meta.mat"
ANNOTATIONS = {"train": "devkit/cars_train_annos.mat", "test": "cars_test_annos_withlabels.mat"}
LAYOUT = f"""\
  cars_train/00001.jpg ...         pictures (cars_train.tgz)
  cars_test/00001.jpg ...          pictures (cars_test.tgz)
  {META}             the classes (car_devkit.tgz)
  {ANNOTATIONS["train"]}      the classes of cars_train
  {SPLIT_FILE}     for --split coop (CoOp, DATASETS.md)
  {ANNOTATIONS["test"]}   for --split official; cars_test_annos.mat of the devkit has no labels"""


def read_cars196(
    root: Path, split: Literal["coop", "official"] = "coop", split_file: Path | None = None
) -> ClassificationSplits:
    """Read Stanford Cars from its original files.

    A class is named with its year first ("2012 BMW M3 Coupe"), as CoOp and the published rows do; the original's
    name, with the year last, is its alias.

    Args:
        root: Folder in the layout `LAYOUT`.
        split: "coop", the paper's: 6509 / 1635 / 8041 pictures, and the only one without
            cars_test_annos_withlabels.mat; "official": 8144 to train on, the same 8041 to test.
        split_file: CoOp's split file where it is not in ``root``.

    Raises:
        UserError: A file is missing or not the original, or names or labels of the split file disagree with the devkit.
    """
    require(root, ["cars_train/", "cars_test/", META, ANNOTATIONS["train"]], LAYOUT)
    meta = root / META
    classes = _classes(meta)
    train = _read_annotations(root, "train", classes)
    if split == "coop":
        coop = read_coop_split(find_split_file(root, SPLIT_FILE, split_file))
        _check_against_devkit(coop, classes, train)
        return build_splits(root, "", coop.entries, classes, [coop.path, meta, root / ANNOTATIONS["train"]])
    require(root, [ANNOTATIONS["test"]], LAYOUT)
    entries = {"train": train, "val": [], "test": _read_annotations(root, "test", classes)}
    return build_splits(root, "", entries, classes, [meta, *(root / path for path in ANNOTATIONS.values())])


def _classes(meta: Path) -> ClassSet:
    originals = read_names(meta, "class_names")
    names = [_year_first(name, meta) for name in originals]
    aliases = {name: (original,) for name, original in zip(names, originals, strict=True)}
    return class_set(names, "a car", "the model of the car", meta, aliases)


def _year_first(name: str, source: Path) -> str:
    model, _, year = name.rpartition(" ")
    if not model or len(year) != 4 or not year.isdecimal():
        raise UserError(f"{source}: class name {name!r} does not end in its year; take the original file")
    return f"{year} {model}"


def _read_annotations(root: Path, split: str, classes: ClassSet) -> list[Entry]:
    """Read one annotation file; both folders number their pictures from 00001.jpg."""
    path = root / ANNOTATIONS[split]
    entries = []
    for position, (label, file) in enumerate(read_records(path, "annotations", "class", "fname")):
        where = f"{path}: annotations[{position}]"
        if not 1 <= label <= len(classes.names):
            raise UserError(f"{where}: class {label}; the original's are 1 to {len(classes.names)}")
        entries.append(Entry(f"cars_{split}/{file}", label - 1, where))
    return entries


def _check_against_devkit(coop: CoopSplit, classes: ClassSet, train: Sequence[Entry]) -> None:
    """Check that the split file calls classes and pictures what the original calls them."""
    if coop.names != classes.names:
        pairs = zip(coop.names, classes.names, strict=False)
        difference = next((f"{a!r} and {b!r}" for a, b in pairs if a != b), "their number")
        raise UserError(f"{coop.path}: the classes differ from those of {META}: {difference}; take the published files")
    original = {entry.file: entry.label for entry in train}
    for entry in (entry for listed in coop.entries.values() for entry in listed):
        if entry.file.startswith("cars_train/") and original.get(entry.file) != entry.label:
            raise UserError(
                f"{entry.where}: {entry.file!r} has label {entry.label} (from 0), which {ANNOTATIONS['train']} does "
                "not confirm; take the published files"
            )
