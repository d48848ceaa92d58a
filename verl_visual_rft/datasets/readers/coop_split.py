# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""CoOp's split files (``split_zhou_*.json``): the splits that the paper's test lists are taken from.

``{"train": [[path, label from 0, class name], ...], "val": ..., "test": ...}``; published with CoOp
(https://github.com/KaiyangZhou/CoOp, DATASETS.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.readers.classification import Entry
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class CoopSplit:
    """A checked split file."""

    path: Path  #: The file.
    entries: Mapping[str, tuple[Entry, ...]]  #: By split, in the order of the file; CoOp's draws depend on it.
    names: tuple[str, ...]  #: Names of the classes, in the order of the labels.


def read_coop_split(path: Path) -> CoopSplit:
    """Read a split file.

    Raises:
        UserError: The file is missing or is no split file, labels do not count from 0 without gaps, or a label has two
            names; the message names the entry.
    """
    content = _load(path)
    entries: dict[str, tuple[Entry, ...]] = {}
    names: dict[int, str] = {}
    for split in SPLITS:
        read: list[Entry] = []
        for position, value in enumerate(content[split]):
            where = f"{path}: {split}[{position}]"
            file, label, name = _fields(where, value)
            if names.setdefault(label, name) != name:
                raise UserError(f"{where}: label {label} is {name!r} here and {names[label]!r} before")
            read.append(Entry(file, label, where))
        entries[split] = tuple(read)
    if sorted(names) != list(range(len(names))):
        raise UserError(
            f"{path}: labels run from {min(names)} to {max(names)} for {len(names)} classes; CoOp's count from 0 "
            "without gaps. Take the published file"
        )
    return CoopSplit(path, entries, tuple(names[label] for label in range(len(names))))


def find_split_file(root: Path, name: str, given: Path | None) -> Path:
    """Return the split file: the given one, or the one of this name in ``root``.

    Raises:
        UserError: It is not there; the message says where it comes from.
    """
    path = given or root / name
    if not path.is_file():
        raise UserError(
            f"no split file {path}. Get {name} from https://github.com/KaiyangZhou/CoOp (DATASETS.md), and put it into "
            "--root or name it with --split-file; --split official does without, but is not the paper's split"
        )
    return path


def _load(path: Path) -> dict[str, Any]:
    content = read_json_object(path, "give a CoOp split file")
    missing = [split for split in SPLITS if not isinstance(content.get(split), list)]
    if missing:
        raise UserError(f"{path} is no CoOp split file: no list under {', '.join(map(repr, missing))}")
    if not any(content[split] for split in SPLITS):
        raise UserError(f"{path}: all splits are empty")
    return content


def _fields(where: str, value: Any) -> tuple[str, int, str]:
    if isinstance(value, list) and len(value) == 3:
        file, label, name = value
        if isinstance(file, str) and type(label) is int and isinstance(name, str):
            return file, label, name
    raise UserError(f"{where} is {str(value)[:100]}, not [path, label, class name]")
