# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature Monster Girls: no original was published, so a plain COCO layout with the paper's five names."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from verl_visual_rft.miniature.originals.coco_entries import annotation_entry, image_entry, write_annotations
from verl_visual_rft.miniature.originals.drawing import draw_scene, write_jpeg

CATEGORIES = ("bird", "feline-or-canid", "serpent", "slime", "wyvern")
# Of two categories each. Every category is in 16 training pictures, for the paper's larger setting.
PICTURES = {"train": 40, "val": 10}


def write_mg(root: Path, seed: int) -> None:
    """Write ``annotations/instances_{train,val}.json``, ``train/`` and ``val/``."""
    rng = random.Random(f"mg-{seed}")
    categories = [{"id": number, "name": name} for number, name in enumerate(CATEGORIES, start=1)]
    for split, count in PICTURES.items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for position in range(count):
            image_id = position + 1
            first, second = position % 5, (position + 1 + position // 5 % 4) % 5
            scene = draw_scene(rng, [first, second])
            file_name = f"{image_id:04d}.jpg"
            write_jpeg(root / split / file_name, scene.image)
            images.append(image_entry(image_id, split, scene.image.size) | {"file_name": file_name})
            for category, polygon in zip((first, second), scene.polygons, strict=True):
                entry = annotation_entry(len(annotations) + 1, image_id, category + 1, polygon)
                annotations.append(entry | {"iscrowd": 0})
        write_annotations(root / "annotations" / f"instances_{split}.json", images, annotations, categories)
