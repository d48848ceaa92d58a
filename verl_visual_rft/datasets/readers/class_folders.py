# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One's own classification data: a folder per class."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from verl_visual_rft.datasets.readers.classification import ClassificationSplits
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_bytes
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet, class_set
from verl_visual_rft.tasks.question import Picture

LAYOUT = """\
  train/CLASS/any name.jpg ...   and, of the same kind, val/ (or valid/, validation/) and test/
or, all of it to train on,
  CLASS/any name.jpg ..."""

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
#: What folders of splits are called, in any case.
_SPLITS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
_NO_CLASSES = ("__MACOSX",)
_SHOWN = 5


def read_class_folders(root: Path, container: str, asked: str) -> ClassificationSplits:
    """Read a folder per class; classes are in the order of their names.

    What is not read is skipped and listed: files that are no pictures by their suffix, pictures beside class folders,
    folders beside splits; and pictures that stand in several classes, by their bytes, because none of them is known to
    be true.

    Args:
        root: Folder in the layout `LAYOUT`.
        container: What the pictures show, "a plant".
        asked: What is asked for, "the species of the plant".

    Raises:
        UserError: There are no class folders or no training pictures, two folders are the same split, or two classes
            have the same name.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder. Expected layout:\n{LAYOUT}")
    skips: list[Skip] = []
    split_roots = _split_roots(root, skips) or {"train": root}
    names = sorted({folder.name for split_root in split_roots.values() for folder in _folders(split_root)})
    if "train" not in split_roots or not names:
        raise UserError(f"{root} has no training pictures. Expected layout:\n{LAYOUT}")
    classes = class_set(names, container, asked, root)
    found = {split: _questions(root, folder, classes, skips) for split, folder in split_roots.items()}
    if not found["train"]:
        raise UserError(
            f"{split_roots['train']} has no pictures ({', '.join(sorted(SUFFIXES))}) in its folders "
            f"{', '.join(map(repr, names[:_SHOWN]))}, which are taken for classes. Expected layout:\n{LAYOUT}"
        )
    contradictory = [*_in_several_classes(question for split in found.values() for question in split)]
    skips += [Skip("one picture in several classes", ", ".join(names)) for names in contradictory]
    dropped = {name for names in contradictory for name in names}
    kept = {split: tuple(q for q in questions if q.picture.name not in dropped) for split, questions in found.items()}
    return ClassificationSplits(kept["train"], kept.get("val", ()), kept.get("test", ()), classes, tuple(skips), ())


def _split_roots(root: Path, skips: list[Skip]) -> Mapping[str, Path]:
    """Return the folder of each split, none where the folders are classes."""
    roots: dict[str, Path] = {}
    others: list[Path] = []
    for folder in _folders(root):
        split = next((split for split, names in _SPLITS.items() if folder.name.lower() in names), None)
        # A folder without folders is a class of that name: "train" is one of COCO's.
        if split is None or not _folders(folder):
            others.append(folder)
        elif split in roots:
            raise UserError(f"{root}: {roots[split].name} and {folder.name} are both the {split} split; keep one")
        else:
            roots[split] = folder
    if roots:
        skips += [Skip("folder beside the splits", folder.name) for folder in others]
    return roots


def _folders(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name not in _NO_CLASSES
    )


def _questions(root: Path, folder: Path, classes: ClassSet, skips: list[Skip]) -> tuple[ClassificationQuestion, ...]:
    questions = []
    for path in sorted(folder.iterdir()):
        if _is_picture(path):
            skips.append(Skip("picture in no class folder", path.relative_to(root).as_posix()))
    for label, name in enumerate(classes.names):
        files = sorted((folder / name).iterdir()) if (folder / name).is_dir() else []
        for path in files:
            shown = path.relative_to(root).as_posix()
            if _is_picture(path):
                questions.append(ClassificationQuestion(Picture(shown, path, shown, folder=root), label, classes))
            else:
                skips.append(Skip("no picture file", shown))
    return tuple(questions)


def _is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES


def _in_several_classes(questions: Iterable[ClassificationQuestion]) -> Iterator[list[str]]:
    """Yield the names of files of equal bytes in different classes; only files of equal size are read for it."""
    for alike in _groups(questions, lambda question: question.picture.path.stat().st_size):
        for same in _groups(alike, lambda question: _digest(question.picture.path)):
            yield [question.picture.name for question in same]


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    except OSError:  # left out and listed where pictures are read
        return str(path)


def _groups(
    questions: Iterable[ClassificationQuestion], key: Callable[[ClassificationQuestion], int | str]
) -> Iterator[list[ClassificationQuestion]]:
    """Yield the questions of each key that are of several classes."""
    groups: dict[int | str, list[ClassificationQuestion]] = defaultdict(list)
    for question in questions:
        groups[key(question)].append(question)
    return (group for group in groups.values() if len({question.label for question in group}) > 1)
