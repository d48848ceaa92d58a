# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature ReasonSeg: ``{train,val,test}/NAME.{jpg,json}`` and ``explanatory/train.json``."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.miniature.originals.drawing import SIZE, Polygon, draw_scene, write_jpeg

PICTURES = {"train": 8, "val": 4, "test": 4}
# Positions of the pictures of a split with a peculiarity.
SLIVER_FIRST, MANY_TEXTS, CP1252 = 1, 2, 3

_CORNERS = ("three", "four", "five", "six", "seven", "eight")


def write_reasonseg(root: Path, seed: int) -> None:
    """Write the data set.

    Every picture shows three shapes: the target, one to ignore, and one that nothing is said of. In each split, one
    has a sliver at the top edge as its first target polygon, one six texts, and one a file in cp1252.
    """
    rng = random.Random(f"reasonseg-{seed}")
    explained: list[dict[str, Any]] = []
    for split, count in PICTURES.items():
        for position in range(count):
            name = _name(rng, position)
            kinds = rng.sample(range(len(_CORNERS)), 3)
            scene = draw_scene(rng, kinds)
            write_jpeg(root / split / f"{name}.jpg", scene.image)
            corners = _CORNERS[kinds[0]]
            texts = _texts(position, corners)
            _write_annotation(root / split / f"{name}.json", position, texts, scene.polygons)
            if split == "train":
                answer = f"It is the one with {corners} corners."
                explained.append({"query": texts[0], "outputs": answer, "image": f"{name}.jpg", "json": f"{name}.json"})
    (root / "explanatory").mkdir()
    (root / "explanatory" / "train.json").write_text(json.dumps(explained, indent=2))


def _write_annotation(path: Path, position: int, texts: Sequence[str], polygons: Sequence[Polygon]) -> None:
    target, ignored, _ = polygons
    labelled = [("target", target), ("ignore", ignored)]
    if position == SLIVER_FIRST:
        labelled.insert(0, ("target", ((10.0, 0.0), (60.0, 0.0), (60.0, 1.0), (10.0, 1.0))))
    if position % 2:
        labelled.append(("flag", ((2.0, 2.0), (SIZE[0] / 2, 3.5))))  # two points: a slip of the annotator's mouse
    shapes = [_shape(f"{path.stem}.jpg", label, polygon) for label, polygon in labelled]
    content = {"text": texts, "is_sentence": position % 2 == 0, "shapes": shapes}
    encoding = "cp1252" if position == CP1252 else "utf-8"
    path.write_bytes(json.dumps(content, indent=2, ensure_ascii=False).encode(encoding))


def _name(rng: random.Random, position: int) -> str:
    if position == 0:
        return f"scene{rng.randrange(10_000):04d}_00_0"
    return f"{rng.randrange(10**6, 10**10)}_{rng.randrange(16**10):010x}_o"  # a photograph of Flickr


def _texts(position: int, corners: str) -> list[str]:
    if position == CP1252:
        return [f"the shape that the café’s sign – it has {corners} corners – was cut from"]
    if position == MANY_TEXTS:
        asked = ("Which shape", "What object", "Which thing", "Which figure", "What part", "Which piece")
        return [f"{words} in the picture has {corners} corners?" for words in asked]
    return [f"the shape that has {corners} corners"]


def _shape(image_name: str, label: str, polygon: Polygon) -> dict[str, Any]:
    return {
        "label": label,
        "labels": [label],
        "shape_type": "polygon",
        "image_name": image_name,
        "points": [list(point) for point in polygon],
        "group_id": None,
        "group_ids": [None],
        "flags": {},
    }
