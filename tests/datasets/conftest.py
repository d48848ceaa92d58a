# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A tiny dataset in COCO layout: small enough to check by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

CATEGORIES = [{"id": 3, "name": "cat"}, {"id": 7, "name": "hot dog"}, {"id": 9, "name": "bus"}]
SIZE = (100, 50)


def annotation(
    annotation_id: int, image_id: int, category_id: int, bbox: list[float], crowd: int = 0
) -> dict[str, Any]:
    """One COCO annotation with a polygon, as the real files have it."""
    x, y, width, height = bbox
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": bbox,
        "area": width * height / 2,
        "iscrowd": crowd,
        "segmentation": [[x, y, x + width, y, x, y + height]],
    }


@dataclass(frozen=True)
class TinyCoco:
    """A dataset on disk that tests damage one piece of at a time."""

    root: Path

    def annotations(self, split: str) -> Path:
        """The annotation file of a split."""
        return self.root / "annotations" / f"instances_{split}.json"

    def image(self, split: str, image_id: int) -> Path:
        """The file of an image."""
        return self.root / split / f"{image_id:03d}.png"

    def read(self, split: str) -> dict[str, Any]:
        """The content of a split's annotation file."""
        content: dict[str, Any] = json.loads(self.annotations(split).read_text())
        return content

    def write(self, split: str, content: Any) -> None:
        """Replace a split's annotation file."""
        self.annotations(split).write_text(json.dumps(content))


def write_split(coco: TinyCoco, split: str, image_ids: range, annotations: list[dict[str, Any]]) -> None:
    """Write plain pictures, each of its own colour, and their annotation file."""
    (coco.root / split).mkdir(parents=True)
    coco.annotations(split).parent.mkdir(exist_ok=True)
    images = []
    for image_id in image_ids:
        Image.new("RGB", SIZE, (image_id, 80, 160)).save(coco.image(split, image_id))
        images.append({"id": image_id, "file_name": f"{image_id:03d}.png", "width": SIZE[0], "height": SIZE[1]})
    coco.write(split, {"info": {}, "images": images, "annotations": annotations, "categories": CATEGORIES})


@pytest.fixture
def tiny_coco(tmp_path: Path) -> TinyCoco:
    """Train: images 1-6 with a cat each, 1-3 also a hot dog (a crowd in 3), 5-6 a bus. Val: images 11-13."""
    coco = TinyCoco(tmp_path / "tiny")
    cats = [annotation(i, i, 3, [10, 5, 30, 20]) for i in range(1, 7)]
    hot_dogs = [annotation(10 + i, i, 7, [50, 25, 50, 25], crowd=int(i == 3)) for i in (1, 2, 3)]
    buses = [annotation(20 + i, i, 9, [0, 0, 100, 50]) for i in (5, 6)]
    write_split(coco, "train", range(1, 7), cats + hot_dogs + buses)
    write_split(
        coco,
        "val",
        range(11, 14),
        [
            annotation(31, 11, 3, [10, 5, 30, 20]),
            annotation(32, 11, 3, [60, 5, 30, 20]),
            annotation(33, 11, 7, [0, 0, 100, 50], crowd=1),
            annotation(34, 12, 9, [0, 0, 100, 50]),
            annotation(35, 13, 3, [0, 0, 50, 50]),
            annotation(36, 13, 3, [0, 0, 100, 50], crowd=1),
        ],
    )
    return coco
