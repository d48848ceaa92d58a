# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature FGVC-Aircraft 2013b: ``fgvc-aircraft-2013b/data/`` with its lists; pictures end in a 20-pixel banner."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from verl_visual_rft.boxes import Box, around
from verl_visual_rft.miniature.originals.drawing import SIZE, draw_scene, write_jpeg
from verl_visual_rft.miniature.originals.files import write_lines


@dataclass(frozen=True)
class Variant:
    """A class and the two coarser ones that it belongs to."""

    name: str
    family: str
    manufacturer: str


VARIANTS = (
    Variant("707-320", "Boeing 707", "Boeing"),
    Variant("737-200", "Boeing 737", "Boeing"),
    Variant("737-300", "Boeing 737", "Boeing"),
    Variant("BAE 146-200", "BAE 146", "British Aerospace"),
    Variant("Cessna 172", "Cessna 172", "Cessna"),
    Variant("F-16A/B", "F-16", "Lockheed Martin"),
)
PARTS = {"train": 4, "val": 4, "test": 4}  # pictures of a variant
BANNER = 20  # pixels


def write_fgvc_aircraft(root: Path, seed: int) -> None:
    """Write the data set; ids have seven digits with leading zeros, lists are sorted by class."""
    rng = random.Random(f"fgvc_aircraft-{seed}")
    data = root / "fgvc-aircraft-2013b" / "data"
    ids = iter(f"{number:07d}" for number in rng.sample(range(34309, 2_300_000), len(VARIANTS) * sum(PARTS.values())))
    boxes: dict[str, Box] = {}
    members: dict[str, list[tuple[str, Variant]]] = {part: [] for part in PARTS}
    for label, variant in enumerate(VARIANTS):
        for part, count in PARTS.items():
            for _ in range(count):
                image_id = next(ids)
                boxes[image_id] = _write_picture(data / "images" / f"{image_id}.jpg", rng, label)
                members[part].append((image_id, variant))
    for level, plural in (("name", "variants"), ("family", "families"), ("manufacturer", "manufacturers")):
        write_lines(data / f"{plural}.txt", dict.fromkeys(getattr(variant, level) for variant in VARIANTS))
    _write_lists(data, {**members, "trainval": members["train"] + members["val"]})
    # In the original, boxes count from 1.
    lines = (" ".join([image_id, *(f"{value + 1:.0f}" for value in box)]) for image_id, box in sorted(boxes.items()))
    write_lines(data / "images_box.txt", lines)


def _write_picture(path: Path, rng: random.Random, label: int) -> Box:
    scene = draw_scene(rng, [label])
    width, height = SIZE
    image = Image.new("RGB", (width, height + BANNER), "white")
    image.paste(scene.image)
    ImageDraw.Draw(image).text((4, height + 4), f"(c) nobody, {path.stem}", fill="black")
    write_jpeg(path, image)
    return around(scene.polygons[0])


def _write_lists(data: Path, parts: Mapping[str, Sequence[tuple[str, Variant]]]) -> None:
    for part, members in parts.items():
        ordered = sorted(members, key=lambda member: VARIANTS.index(member[1]))  # stable: "trainval" is by class too
        write_lines(data / f"images_{part}.txt", (image_id for image_id, _ in ordered))
        for level, key in (("variant", "name"), ("family", "family"), ("manufacturer", "manufacturer")):
            lines = (f"{image_id} {getattr(variant, key)}" for image_id, variant in ordered)
            write_lines(data / f"images_{level}_{part}.txt", lines)
