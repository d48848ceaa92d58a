# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One's own classification data: a folder per class."""

from __future__ import annotations

from pathlib import Path

from verl_visual_rft.datasets.questions import ClassificationQuestion, ClassSet, Picture, Skip
from verl_visual_rft.datasets.readers.classification import ClassificationSplits, class_set
from verl_visual_rft.errors import UserError

LAYOUT = """\
  train/CLASS/any name.jpg ...   and, of the same kind, val/ and test/
or, all of it to train on,
  CLASS/any name.jpg ..."""

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_SPLITS = ("train", "val", "test")


def read_class_folders(root: Path, container: str, asked: str) -> ClassificationSplits:
    """Read a folder per class; classes are in the order of their names.

    Files that are no pictures by their suffix are skipped and listed.

    Args:
        root: Folder in the layout `LAYOUT`.
        container: What the pictures show, "a plant".
        asked: What is asked for, "the species of the plant".

    Raises:
        UserError: There are no class folders or no training pictures, or two classes have the same name.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder. Expected layout:\n{LAYOUT}")
    split_roots = {split: root / split for split in _SPLITS if _holds_folders(root / split)}
    if not split_roots:
        split_roots = {"train": root}
    names = sorted({folder.name for split_root in split_roots.values() for folder in _folders(split_root)})
    if "train" not in split_roots or not names:
        raise UserError(f"{root} has no training pictures. Expected layout:\n{LAYOUT}")
    classes = class_set(names, container, asked, root)
    skips: list[Skip] = []
    questions = {split: _questions(root, folder, classes, skips) for split, folder in split_roots.items()}
    if not questions["train"]:
        raise UserError(f"{split_roots['train']} has no pictures ({', '.join(sorted(SUFFIXES))})")
    return ClassificationSplits(
        questions["train"], questions.get("val", ()), questions.get("test", ()), classes, tuple(skips), ()
    )


def _holds_folders(folder: Path) -> bool:
    """Whether this is a split and not a class of that name ("train" is one of COCO's)."""
    return folder.is_dir() and any(_folders(folder))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _questions(root: Path, folder: Path, classes: ClassSet, skips: list[Skip]) -> tuple[ClassificationQuestion, ...]:
    questions = []
    for label, name in enumerate(classes.names):
        files = sorted((folder / name).iterdir()) if (folder / name).is_dir() else []
        for path in files:
            shown = path.relative_to(root).as_posix()
            if path.is_file() and path.suffix.lower() in SUFFIXES:
                questions.append(ClassificationQuestion(Picture(shown, path, shown, folder=root), label, classes))
            else:
                skips.append(Skip("no picture file", shown))
    return tuple(questions)
