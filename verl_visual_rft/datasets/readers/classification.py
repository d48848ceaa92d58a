# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What all classification readers give, and the checks that they share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import numbered_lines
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet
from verl_visual_rft.tasks.question import Picture

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
    """Check that files or folders of a layout are there.

    Args:
        root: Folder of the dataset.
        paths: Relative paths; one that ends in "/" is a folder.
        layout: The whole layout in words, for the message.

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
