# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Oxford-IIIT Pets (Parkhi et al., 2012): 7349 pictures of 37 breeds of cats and dogs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from verl_visual_rft.datasets.readers.classification import (
    ClassificationSplits,
    Entry,
    build_splits,
    find_split_file,
    read_coop_split,
    read_lines,
    require,
)
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.classification.question import ClassSet, class_set

SPLIT_FILE = "split_zhou_OxfordPets.json"
LAYOUT = f"""\
  images/Abyssinian_1.jpg ...   pictures (images.tar.gz)
  {SPLIT_FILE}    for --split coop (CoOp, DATASETS.md)
  annotations/trainval.txt      for --split official (annotations.tar.gz)
  annotations/test.txt          for --split official"""


def read_pets37(
    root: Path, split: Literal["coop", "official"] = "coop", split_file: Path | None = None
) -> ClassificationSplits:
    """Read Oxford-IIIT Pets from its original files.

    Classes are named as in the file names, in small letters ("japanese_chin"), as CoOp and the published rows do. The
    few files that are PNG or GIF under the name ``.jpg`` are left to the pipeline.

    Args:
        root: Folder in the layout `LAYOUT`.
        split: "coop", the paper's: 2944 / 736 / 3669 pictures; "official": 3680 to train on, the same 3669 to test.
        split_file: CoOp's split file where it is not in ``root``.

    Raises:
        UserError: A file is missing or not the original, or a picture's class is not that of its file name.
    """
    require(root, ["images/"], LAYOUT)
    if split == "coop":
        coop = read_coop_split(find_split_file(root, SPLIT_FILE, split_file))
        _check_breeds(coop.entries, coop.names)
        return build_splits(root, "images", coop.entries, _classes(coop.names, coop.path), [coop.path])
    require(root, ["annotations/trainval.txt", "annotations/test.txt"], LAYOUT)
    sources = {"train": root / "annotations/trainval.txt", "test": root / "annotations/test.txt"}
    entries = {part: _read_list(path) for part, path in sources.items()}
    names = _names(entries)
    _check_breeds(entries, names)
    return build_splits(
        root, "images", {**entries, "val": []}, _classes(names, sources["train"]), list(sources.values())
    )


def _classes(names: Sequence[str], source: Path) -> ClassSet:
    return class_set(names, "a pet", "the species of the pet", source)


def _read_list(path: Path) -> list[Entry]:
    """Read lines ``name class species breed``; the class counts from 1."""
    entries = []
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        fields = line.split()
        if len(fields) != 4 or not all(field.isdecimal() for field in fields[1:]):
            raise UserError(f"{where}: {line!r} is not 'name class species breed'")
        if int(fields[1]) < 1:
            raise UserError(f"{where}: class {fields[1]}; the original's classes count from 1. Take the original file")
        entries.append(Entry(f"{fields[0]}.jpg", int(fields[1]) - 1, where))
    return entries


def _names(entries: Mapping[str, Sequence[Entry]]) -> tuple[str, ...]:
    """Return the breeds in the file names: class 1 to 37 is their alphabetical order."""
    return tuple(sorted({_breed(entry) for listed in entries.values() for entry in listed}))


def _breed(entry: Entry) -> str:
    breed, separator, _ = entry.file.rpartition("_")
    if not separator:
        raise UserError(f"{entry.where}: {entry.file!r} is not named breed_number.jpg")
    return breed.lower()


def _check_breeds(entries: Mapping[str, Sequence[Entry]], names: Sequence[str]) -> None:
    for entry in (entry for listed in entries.values() for entry in listed):
        breed = _breed(entry)
        if entry.label >= len(names) or names[entry.label] != breed:
            listed_as = names[entry.label] if entry.label < len(names) else "no class"
            raise UserError(
                f"{entry.where}: {entry.file!r} has class number {entry.label + 1}, which is {listed_as!r} in the "
                f"alphabetical order of the {len(names)} breeds. Labels are shifted or breeds are missing: take the "
                "original file"
            )
