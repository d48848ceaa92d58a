# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Flowers102 (Nilsback and Zisserman, 2008): 8189 pictures of 102 species."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from verl_visual_rft.datasets.readers.classification import (
    ClassificationSplits,
    Entry,
    build_splits,
    find_split_file,
    read_coop_split,
    require,
)
from verl_visual_rft.datasets.readers.matlab import read_numbers
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object
from verl_visual_rft.tasks.classification.question import ClassSet, class_set

SPLIT_FILE = "split_zhou_OxfordFlowers.json"
LAYOUT = f"""\
  jpg/image_00001.jpg ...      pictures (102flowers.tgz)
  imagelabels.mat              the class of every picture
  {SPLIT_FILE}     for --split coop (CoOp, DATASETS.md)
  setid.mat                    for --split official
  cat_to_name.json             for --split official: {{"1": "pink primrose", ...}} (CoOp, DATASETS.md)"""

_PARTS = {"train": "trnid", "val": "valid", "test": "tstid"}
_FILE = re.compile(r"image_([0-9]{5})\.jpg")


def read_flowers102(
    root: Path, split: Literal["coop", "official"] = "coop", split_file: Path | None = None
) -> ClassificationSplits:
    """Read Flowers102 from its original files.

    Args:
        root: Folder in the layout `LAYOUT`.
        split: "coop", the paper's: 4093 / 1633 / 2463 pictures; "official": 1020 / 1020 / 6149.
        split_file: CoOp's split file where it is not in ``root``.

    Raises:
        UserError: A file is missing or not the original, labels disagree with imagelabels.mat, or train and test are
            swapped as in some mirrors.
    """
    require(root, ["jpg/", "imagelabels.mat"], LAYOUT)
    labels_file = root / "imagelabels.mat"
    labels = read_numbers(labels_file, "labels")
    if split == "coop":
        coop = read_coop_split(find_split_file(root, SPLIT_FILE, split_file))
        _check_labels(coop.entries, labels, labels_file)
        return build_splits(root, "jpg", coop.entries, _classes(coop.names, coop.path), [coop.path, labels_file])
    require(root, ["setid.mat", "cat_to_name.json"], LAYOUT)
    setid, names_file = root / "setid.mat", root / "cat_to_name.json"
    classes = _classes(_read_names(names_file), names_file)
    _check_range(labels, len(classes.names), labels_file)
    entries = {part: _official(setid, key, labels) for part, key in _PARTS.items()}
    if len(entries["train"]) >= len(entries["test"]):
        raise UserError(
            f"{setid}: {len(entries['train'])} pictures under 'trnid' and {len(entries['test'])} under 'tstid'; the "
            "official train split is the smaller one (1020 and 6149). This is a mirror that swaps them: take the "
            "original setid.mat"
        )
    return build_splits(root, "jpg", entries, classes, [setid, labels_file, names_file])


def _classes(names: Sequence[str], source: Path) -> ClassSet:
    return class_set(names, "a plant", "the species of the plant", source)


def _check_range(labels: Sequence[int], classes: int, source: Path) -> None:
    if set(labels) != set(range(1, classes + 1)):
        raise UserError(
            f"{source}: labels run from {min(labels)} to {max(labels)} with {len(set(labels))} values for {classes} "
            f"named classes; the original's are 1 to {classes}. Take the original file"
        )


def _check_labels(entries: Mapping[str, Sequence[Entry]], labels: Sequence[int], source: Path) -> None:
    """Check that a split file calls every picture what the original calls it."""
    for entry in (entry for listed in entries.values() for entry in listed):
        match = _FILE.fullmatch(entry.file)
        number = int(match[1]) if match else 0
        if not 1 <= number <= len(labels):
            raise UserError(f"{entry.where}: {entry.file!r} is not image_00001.jpg to image_{len(labels):05d}.jpg")
        if entry.label != labels[number - 1] - 1:
            raise UserError(
                f"{entry.where}: {entry.file!r} has label {entry.label} (from 0), but {labels[number - 1]} (from 1) in "
                f"{source}; take the published files"
            )


def _official(setid: Path, key: str, labels: Sequence[int]) -> list[Entry]:
    entries = []
    for position, number in enumerate(read_numbers(setid, key)):
        where = f"{setid}: {key}[{position}]"
        if not 1 <= number <= len(labels):
            raise UserError(f"{where} is {number}, not a picture from 1 to {len(labels)}")
        entries.append(Entry(f"image_{number:05d}.jpg", labels[number - 1] - 1, where))
    return entries


def _read_names(path: Path) -> tuple[str, ...]:
    content = read_json_object(path, "take the original file")
    if not all(isinstance(name, str) for name in content.values()):
        raise UserError(f'{path} is not {{"1": "pink primrose", ...}}')
    keys = [str(number) for number in range(1, len(content) + 1)]
    if set(content) != set(keys):
        raise UserError(f"{path}: the keys are not 1 to {len(content)}; take the original file")
    return tuple(content[key] for key in keys)
