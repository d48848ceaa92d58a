# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature LVIS v1: ``annotations/lvis_v1_{train,val}.json`` over COCO's ``train2017/`` and ``val2017/``."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.miniature.originals.coco_entries import annotate, image_entry, write_annotations
from verl_visual_rft.miniature.originals.drawing import draw_scene, write_jpeg

#: The paper's 15 rare categories: name, id in LVIS v1, training pictures in LVIS v1 (as many are drawn here).
CATEGORIES = (
    ("horse_buggy", 161, 9),
    ("casserole", 222, 5),
    ("die", 365, 8),
    ("egg_roll", 416, 6),
    ("futon", 480, 10),
    ("garbage", 482, 9),
    ("handsaw", 541, 4),
    ("hippopotamus", 560, 8),
    ("kitchen_table", 610, 10),
    ("mallet", 663, 8),
    ("omelet", 733, 7),
    ("papaya", 755, 10),
    ("shot_glass", 952, 5),
    ("stepladder", 1012, 5),
    ("sugar_bowl", 1031, 9),
)
CATEGORY_COUNT = 1203  # ids without gaps; the others are fillers without pictures
TRAIN_PICTURES, VAL_PICTURES = 38, 12
_VAL_OF_EACH = 2


def write_lvis(root: Path, seed: int) -> None:
    """Write the data set.

    As in the original, pictures have no ``file_name`` but a ``coco_url``, most validation pictures lie in
    ``train2017/``, and every picture names categories that are absent or not annotated exhaustively.
    """
    rng = random.Random(f"lvis-{seed}")
    ids = rng.sample(range(30, 500_000), TRAIN_PICTURES + VAL_PICTURES)
    train = [(image_id, "train2017") for image_id in ids[:TRAIN_PICTURES]]
    val = [(image_id, "train2017" if i % 4 else "val2017") for i, image_id in enumerate(ids[TRAIN_PICTURES:])]
    shown_in_train = [number for _, number, count in CATEGORIES for _ in range(count)]
    shown_in_val = [number for _, number, _ in CATEGORIES for _ in range(_VAL_OF_EACH)]
    _write_split(root, rng, "train", train, shown_in_train)
    _write_split(root, rng, "val", val, shown_in_val)


def _write_split(
    root: Path, rng: random.Random, split: str, pictures: Sequence[tuple[int, str]], shown: Sequence[int]
) -> None:
    """Deal the categories out to the pictures in turn, so that none gets a category twice."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for position, (image_id, folder) in enumerate(pictures):
        present = list(shown[position :: len(pictures)])
        scene = draw_scene(rng, present)
        write_jpeg(root / folder / f"{image_id:012d}.jpg", scene.image)
        absent = [number for _, number, _ in CATEGORIES if number not in present]
        images.append(
            image_entry(image_id, folder, scene.image.size)
            | {"neg_category_ids": rng.sample(absent, 3), "not_exhaustive_category_ids": present[: position % 2]}
        )
        annotate(annotations, image_id, present, scene.polygons)
    target = root / "annotations" / f"lvis_v1_{split}.json"
    write_annotations(target, images, annotations, _categories(Counter(shown)))


def _categories(counts: Counter[int]) -> list[dict[str, Any]]:
    names = {number: name for name, number, _ in CATEGORIES}
    return [
        _category(number, names.get(number, f"filler_{number:04d}"), counts[number])
        for number in range(1, CATEGORY_COUNT + 1)
    ]


def _category(number: int, name: str, count: int) -> dict[str, Any]:
    return {
        "frequency": "r",
        "synset": f"{name}.n.01",
        "image_count": count,
        "id": number,
        "synonyms": [name],
        "def": name.replace("_", " "),
        "instance_count": count,
        "name": name,
    }
