# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature Oxford Flowers102: ``jpg/``, ``imagelabels.mat``, ``setid.mat``, ``cat_to_name.json`` and CoOp's split."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from verl_visual_rft.miniature.originals.drawing import draw_scene, write_jpeg
from verl_visual_rft.miniature.originals.files import Item, write_coop_split, write_mat

CLASSES = ("pink primrose", "hard-leaved pocket orchid", "canterbury bells", "fleur du café")
# Pictures of a class. In the original, too, the official test part is the largest.
TRAIN, VAL, TEST = 4, 4, 6


def write_flowers102(root: Path, seed: int) -> None:
    """Write the data set; a class has consecutive image numbers, classes are in no order."""
    rng = random.Random(f"flowers102-{seed}")
    each = TRAIN + VAL + TEST
    order = rng.sample(range(len(CLASSES)), len(CLASSES))
    numbers = {label: range(1 + block * each, 1 + (block + 1) * each) for block, label in enumerate(order)}
    for label in order:
        for number in numbers[label]:
            write_jpeg(root / "jpg" / _file_name(number), draw_scene(rng, [label]).image)
    labels = [label + 1 for label in order for _ in numbers[label]]
    _write_official(root, labels, [rng.sample(numbers[label], each) for label in order])
    _write_coop(root, {label: rng.sample(numbers[label], each) for label in order})
    names = {str(number): name for number, name in enumerate(CLASSES, start=1)}
    (root / "cat_to_name.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")


def _write_official(root: Path, labels: Sequence[int], classes: Sequence[Sequence[int]]) -> None:
    import numpy as np

    parts = {"trnid": slice(TRAIN), "valid": slice(TRAIN, TRAIN + VAL), "tstid": slice(TRAIN + VAL, None)}
    write_mat(root / "imagelabels.mat", {"labels": np.array([labels], np.uint8)})
    write_mat(
        root / "setid.mat",
        {
            name: np.array([[number for numbers in classes for number in numbers[part]]], np.uint16)
            for name, part in parts.items()
        },
    )


def _write_coop(root: Path, shuffled: dict[int, list[int]]) -> None:
    """CoOp drew anew from all three official parts: half for training, a fifth for validation."""
    train: list[Item] = []
    val: list[Item] = []
    test: list[Item] = []
    for label, numbers in shuffled.items():
        items: list[Item] = [(_file_name(number), label, CLASSES[label]) for number in numbers]
        half, end = len(items) // 2, len(items) // 2 + len(items) // 5
        train += items[:half]
        val += items[half:end]
        test += items[end:]
    write_coop_split(root / "split_zhou_OxfordFlowers.json", train, val, test)


def _file_name(number: int) -> str:
    return f"image_{number:05d}.jpg"
