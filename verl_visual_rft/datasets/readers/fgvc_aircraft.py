# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""FGVC-Aircraft 2013b (Maji et al., 2013): 10 000 pictures of 100 variants of aircraft."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from verl_visual_rft.datasets.readers.classification import (
    ClassificationSplits,
    Entry,
    build_splits,
    read_lines,
    require,
)
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.classification.question import class_set

LAYOUT = """\
  data/images/0034309.jpg ...     pictures (fgvc-aircraft-2013b.tar.gz)
  data/variants.txt               the classes
  data/images_variant_train.txt   lines "1025794 707-320"
  data/images_variant_val.txt
  data/images_variant_test.txt"""

#: Height in pixels of the credit that every picture ends in.
BANNER = 20
_LISTS = {split: f"images_variant_{split}.txt" for split in ("train", "val", "test")}
# The archive extracted into a folder, the archive's own folder; CoOp keeps what is in data/.
_FOLDERS = ("fgvc-aircraft-2013b/data", "data", ".")


def read_fgvc_aircraft(root: Path, crop_banner: bool = False) -> ClassificationSplits:
    """Read FGVC-Aircraft from its original files: 3334 / 3333 / 3333 pictures.

    The official split is the paper's: CoOp, whose splits the paper tests on, takes it as it is.

    Args:
        root: Folder in the layout `LAYOUT` (``fgvc-aircraft-2013b``), the one that holds it, or its ``data``.
        crop_banner: Cut the credit of 20 pixels off the bottom. The paper's rows keep it.

    Raises:
        UserError: A file is missing or not the original; a line is not "number variant" or names an unknown variant.
    """
    root = next(root / folder for folder in _FOLDERS if (root / folder).is_dir() or folder == ".")
    require(root, ["images/", "variants.txt", *_LISTS.values()], LAYOUT)
    variants = root / "variants.txt"
    names = [line.strip() for _, line in read_lines(variants)]
    classes = class_set(names, "an aircraft", "the model of the aircraft", variants)
    labels = {name: label for label, name in enumerate(classes.names)}
    entries = {split: _read_list(root / path, labels) for split, path in _LISTS.items()}
    sources = [variants, *(root / path for path in _LISTS.values())]
    return build_splits(root, "images", entries, classes, sources, BANNER if crop_banner else 0)


def _read_list(path: Path, labels: Mapping[str, int]) -> list[Entry]:
    entries = []
    for number, line in read_lines(path):
        # Names have spaces ("BAE 146-200"); numbers have leading zeros, so they stay text.
        picture, _, name = line.partition(" ")
        if not picture.isdecimal() or not name:
            raise UserError(f"{path}:{number}: {line!r} is not 'number variant', as in '1025794 707-320'")
        if name.strip() not in labels:
            raise UserError(f"{path}:{number}: {name!r} is not in variants.txt; take both from one release")
        entries.append(Entry(f"{picture}.jpg", labels[name.strip()], f"{path}:{number}"))
    return entries
