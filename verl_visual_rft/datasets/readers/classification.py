# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What all classification readers give, the checks that they share, and CoOp's splits of three of them.

CoOp's split files (``split_zhou_*.json``), which the paper's test lists are taken from, are ``{"train": [[path, label
from 0, class name], ...], "val": ..., "test": ...}`` (https://github.com/KaiyangZhou/CoOp, DATASETS.md).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import numbered_lines, read_json_object
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet
from verl_visual_rft.tasks.question import Picture

SPLITS = ("train", "val", "test")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class ClassificationSplits:
    """A classification dataset, in the order of its own lists."""

    train: tuple[ClassificationQuestion, ...]  #: Questions to train on.
    val: tuple[ClassificationQuestion, ...]  #: Questions to choose settings by; none where the split has no such part.
    test: tuple[ClassificationQuestion, ...]  #: Questions to report results on.
    classes: ClassSet  #: The closed set.
    skips: tuple[Skip, ...]  #: What was left out.
    sources: tuple[Path, ...]  #: The files that say which picture is what, for the manifest.


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a split.

    Raises:
        UserError: The path leads out of the folder.
    """

    file: str  #: The picture's path relative to the image folder, as the list has it.
    label: int  #: Index of its class.
    where: str  #: File and position of the entry, for error messages.

    def __post_init__(self) -> None:
        path = PurePosixPath(self.file)
        if not path.name or path.is_absolute() or ".." in path.parts:
            raise UserError(f"{self.where}: {self.file!r} is no path inside the image folder; correct the entry")


def require(root: Path, paths: Sequence[str], layout: str) -> None:
    """Check that files, and folders (their paths end in "/"), of a layout are there.

    Raises:
        UserError: One of them is missing; the message names every one and the layout.
    """
    missing = [
        path for path in paths if not ((root / path).is_dir() if path.endswith("/") else (root / path).is_file())
    ]
    if missing:
        raise UserError(f"{root} has no {' and no '.join(missing)}. Expected layout:\n{layout}")


def build_splits(
    root: Path,
    image_folder: str,
    entries: Mapping[str, Sequence[Entry]],
    classes: ClassSet,
    sources: Sequence[Path],
    crop_bottom: int = 0,
) -> ClassificationSplits:
    """Make questions of the entries of a fixed dataset.

    Every picture must be there: these datasets have published test sets, and a draw of k shots depends on the whole
    list, so a broken download must not quietly become another benchmark.

    Args:
        root: Folder of the dataset.
        image_folder: Folder that the entries are relative to, relative to ``root``; "" for ``root`` itself.
        entries: "train", "val" and "test".
        classes: The closed set.
        sources: The files that the entries come from.
        crop_bottom: Rows to cut off every picture at the bottom.

    Raises:
        UserError: A picture is listed twice or has no file, or train or test is empty.
    """
    for split in ("train", "test"):
        if not entries[split]:
            raise UserError(f"{', '.join(map(str, sources))}: the {split} split is empty")
    folder = root / image_folder
    _check_files(folder, [entry for split in entries.values() for entry in split])
    questions = {
        split: tuple(_question(root, folder, entry, classes, crop_bottom) for entry in listed)
        for split, listed in entries.items()
    }
    return ClassificationSplits(questions["train"], questions["val"], questions["test"], classes, (), tuple(sources))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number (from 1) and text of the lines that are neither empty nor comments ("#").

    Raises:
        UserError: The file cannot be read or is not UTF-8.
    """
    for number, line in numbered_lines(path, "take the original file"):
        if not line.startswith("#"):
            yield number, line.rstrip("\r\n")


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
    content = _load_coop(path)
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


def _check_files(folder: Path, entries: Sequence[Entry]) -> None:
    seen: dict[str, str] = {}
    missing: list[str] = []
    for entry in entries:
        path = str(PurePosixPath(entry.file))
        if path in seen:
            raise UserError(f"{entry.where}: {entry.file!r} stands already in {seen[path]}; list every picture once")
        seen[path] = entry.where
        if not os.path.isfile(folder / path):  # unlike Path.is_file, total: a list may hold any text
            missing.append(f"  {path} ({entry.where})")
    if missing:
        more = f"\n  ... and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise UserError(
            f"{folder}: {len(missing)} of {len(entries)} listed pictures have no file:\n"
            + "\n".join(missing[:_SHOWN])
            + more
            + "\nExtract the archive again; a part of the pictures would be another benchmark."
        )


def _question(root: Path, folder: Path, entry: Entry, classes: ClassSet, crop_bottom: int) -> ClassificationQuestion:
    path = folder / entry.file
    picture = Picture(
        id=str(PurePosixPath(entry.file).with_suffix("")),
        path=path,
        name=path.relative_to(root).as_posix(),
        crop_bottom=crop_bottom,
        folder=folder,
    )
    return ClassificationQuestion(picture, entry.label, classes)


def _load_coop(path: Path) -> dict[str, Any]:
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
