# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature COCO 2017 and Monster Girls.

``annotations/instances_{train,val}2017.json``, ``train2017/`` and ``val2017/``, and the same without 2017.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.category_lists import COCO_FEWSHOT8, MG5
from verl_visual_rft.miniature.originals.coco_entries import (
    annotate,
    crowd_entry,
    image_entry,
    write_annotations,
)
from verl_visual_rft.miniature.originals.drawing import draw_scene, write_jpeg, write_rotated_jpeg

#: COCO's 80 categories by supercategory, in the order of their ids.
SUPERCATEGORIES = {
    "person": ("person",),
    "vehicle": ("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    "outdoor": ("traffic light", "fire hydrant", "stop sign", "parking meter", "bench"),
    "animal": ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
    "accessory": ("backpack", "umbrella", "handbag", "tie", "suitcase"),
    "sports": (
        "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard",
        "surfboard", "tennis racket",
    ),
    "kitchen": ("bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl"),
    "food": (
        "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake",
    ),
    "furniture": ("chair", "couch", "potted plant", "bed", "dining table", "toilet"),
    "electronic": ("tv", "laptop", "mouse", "remote", "keyboard", "cell phone"),
    "appliance": ("microwave", "oven", "toaster", "sink", "refrigerator"),
    "indoor": ("book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush"),
}  # fmt: skip
#: Ids from 1 to 90 that no category has.
UNUSED_IDS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)

TRAIN, VAL = 24, 12
EXIF_ROTATED, CROWD, EMPTY = 1, 2, 5  # positions of the pictures with a peculiarity
_FIRST_ID = {"train": 9, "val": 139}

#: Of two categories each. Every category is in 16 training pictures, for the paper's larger setting.
MG_PICTURES = {"train": 40, "val": 10}


def coco_categories() -> list[dict[str, Any]]:
    """Return the ``categories`` of COCO 2017."""
    ids = (number for number in range(1, 91) if number not in UNUSED_IDS)
    return [
        {"supercategory": supercategory, "id": next(ids), "name": name}
        for supercategory, names in SUPERCATEGORIES.items()
        for name in names
    ]


def write_coco(root: Path, seed: int) -> None:
    """Write the data set.

    Every few-shot category is in at least four training pictures. Of each split, one picture has a crowd of persons
    (as run lengths) and one no annotation; one training picture carries an EXIF orientation, its annotations describe
    it as viewers show it.
    """
    rng = random.Random(f"coco-{seed}")
    categories = coco_categories()
    others = [str(category["name"]) for category in categories if category["name"] not in COCO_FEWSHOT8]
    rng.shuffle(others)
    for split, count in (("train", TRAIN), ("val", VAL)):
        shown = itertools.cycle(COCO_FEWSHOT8)
        contents = [[next(shown), next(shown), others[i % len(others)]] for i in range(count)]
        contents[0].append(contents[0][0])  # two of a kind
        contents[EMPTY] = []
        _write_split(root, rng, split, contents, categories)


def _write_split(
    root: Path,
    rng: random.Random,
    split: str,
    contents: Sequence[Sequence[str]],
    categories: Sequence[Mapping[str, Any]],
) -> None:
    ids = {str(category["name"]): int(category["id"]) for category in categories}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for position, names in enumerate(contents):
        image_id = _FIRST_ID[split] + 16 * position
        scene = draw_scene(rng, [ids[name] for name in names])
        path = root / f"{split}2017" / f"{image_id:012d}.jpg"
        write = write_rotated_jpeg if split == "train" and position == EXIF_ROTATED else write_jpeg
        write(path, scene.image)
        images.append(image_entry(image_id, f"{split}2017", scene.image.size) | {"file_name": path.name})
        annotate(annotations, image_id, [ids[name] for name in names], scene.polygons, iscrowd=0)
        if position == CROWD:
            annotations.append(crowd_entry(image_id, ids["person"], scene.image.size))
    write_annotations(root / "annotations" / f"instances_{split}2017.json", images, annotations, categories)


def write_mg(root: Path, seed: int) -> None:
    """Write Monster Girls: no original was published, so this is plain COCO layout with the paper's five names."""
    rng = random.Random(f"mg-{seed}")
    categories = [{"id": number, "name": name} for number, name in enumerate(MG5, start=1)]
    for split, count in MG_PICTURES.items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for position in range(count):
            image_id = position + 1
            first, second = position % 5, (position + 1 + position // 5 % 4) % 5
            scene = draw_scene(rng, [first, second])
            file_name = f"{image_id:04d}.jpg"
            write_jpeg(root / split / file_name, scene.image)
            images.append(image_entry(image_id, split, scene.image.size) | {"file_name": file_name})
            annotate(annotations, image_id, [first + 1, second + 1], scene.polygons, iscrowd=0)
        write_annotations(root / "annotations" / f"instances_{split}.json", images, annotations, categories)
