# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The embedded detection dataset: coloured shapes in COCO layout, made from a seed in a second.

A category is a colour and a shape ("white circle"). Base categories are those that fine-tuning may see; novel ones are
combinations it never sees. Backgrounds encode position (red rises with x, green with y) and shine through the objects:
a transformer as small as the quick start's, whose rotary embedding carries relative position only, cannot localise on
plain surfaces.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from verl_visual_rft.errors import UserError
from verl_visual_rft.locks import alone

COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "blue": (30, 60, 255), "magenta": (255, 0, 220)}
SHAPES = ("circle", "square", "triangle")
CATEGORIES = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
NOVEL = ("white triangle", "black circle", "blue square", "magenta triangle")
BASE = tuple(category for category in CATEGORIES if category not in NOVEL)

SIDE = 112  # pixels: 16 visual tokens of Qwen2-VL
GRID = 14  # pixels, Qwen2-VL's patch: corners lie on patch borders, so that a tiny model can place a box exactly
SIDES = (2, 3, 4)  # of objects, in steps of the grid
_COUNT_WEIGHTS = (4, 4, 2)  # of one, two and three objects
_OPACITY = 0.7
_ENDLESS = 10**9
_REPEAT = 0.3  # chance that a further object repeats the category before it

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Scene:
    """One picture and what is in it; boxes are ``(x1, y1, x2, y2)`` in pixels, right and lower edge exclusive."""

    image: Image.Image
    categories: tuple[str, ...]
    boxes: tuple[Box, ...]


def scenes(count: int, seed: int, most_objects: int = len(_COUNT_WEIGHTS)) -> Iterator[Scene]:
    """Yield ``count`` pictures with one to ``most_objects`` objects each; the same seed gives the same pictures.

    Example:
        >>> scene = next(scenes(1, seed=0))
        >>> scene.image.size
        (112, 112)
    """
    rng = random.Random(f"shapes-{seed}")
    background = _background()
    for _ in range(count):
        yield _scene(rng, background, most_objects)


def write_shapes(root: Path, train: int = 256, val: int = 256, seed: int = 0) -> None:
    """Write the dataset to ``root`` in COCO layout.

    ``annotations/instances_{train,val}.json``, and the pictures in ``train/`` and ``val/``; no picture is in both.
    Annotation files are written last, so a folder that has both is complete.

    Raises:
        UserError: A count is not positive, or the folder cannot be written or is being written by another process.
    """
    for name, count in (("train", train), ("val", val)):
        if count < 1:
            raise UserError(f"the {name} split of the shapes dataset needs at least one picture, not {count}")
    shown = list(scenes(train, seed=2 * seed))
    seen = {(scene.categories, scene.boxes) for scene in shown}
    unseen = (scene for scene in scenes(_ENDLESS, seed=2 * seed + 1) if (scene.categories, scene.boxes) not in seen)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with alone(root, root / ".lock"):
            _write_split(root, "train", shown)
            _write_split(root, "val", list(itertools.islice(unseen, val)))
    except OSError as error:
        raise UserError(f"cannot write {root}: {error}") from error


def _write_split(root: Path, name: str, pictures: list[Scene]) -> None:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, scene in enumerate(pictures, start=1):
        file_name = f"{number:06d}.png"
        scene.image.save(folder / file_name)
        images.append({"id": number, "file_name": file_name, "width": SIDE, "height": SIDE})
        for category, (x1, y1, x2, y2) in zip(scene.categories, scene.boxes, strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": CATEGORIES.index(category) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                }
            )
    categories = [
        {"id": i, "name": category, "supercategory": "novel" if category in NOVEL else "base"}
        for i, category in enumerate(CATEGORIES, start=1)
    ]
    target = root / "annotations" / f"instances_{name}.json"
    target.parent.mkdir(exist_ok=True)
    partial = target.with_suffix(".json.partial")
    partial.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    os.replace(partial, target)


def _background() -> Image.Image:
    ramp = Image.linear_gradient("L").resize((SIDE, SIDE)).point(lambda value: 40 + value * 160 // 255)
    return Image.merge("RGB", (ramp.rotate(90), ramp, Image.new("L", (SIDE, SIDE), 70)))


def _scene(rng: random.Random, background: Image.Image, most_objects: int) -> Scene:
    solid = background.copy()
    draw = ImageDraw.Draw(solid)
    names: list[str] = []
    boxes: list[Box] = []
    weights = _COUNT_WEIGHTS[:most_objects]
    for _ in range(rng.choices(range(1, len(weights) + 1), weights)[0]):
        box = _free_box(rng, boxes)
        if box is None:
            break
        repeat = bool(names) and rng.random() < _REPEAT
        name = names[-1] if repeat else rng.choice(CATEGORIES)
        _draw(draw, name, box)
        names.append(name)
        boxes.append(box)
    return Scene(Image.blend(background, solid, _OPACITY), tuple(names), tuple(boxes))


def _free_box(rng: random.Random, taken: list[Box]) -> Box | None:
    for _ in range(20):
        width, height = rng.choice(SIDES), rng.choice(SIDES)
        column, row = rng.randint(0, SIDE // GRID - width), rng.randint(0, SIDE // GRID - height)
        box = (GRID * column, GRID * row, GRID * (column + width), GRID * (row + height))
        if not any(_touch(box, other) for other in taken):
            return box
    return None


def _touch(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _draw(draw: ImageDraw.ImageDraw, category: str, box: Box) -> None:
    colour, shape = category.split()
    x1, y1, x2, y2 = box[0], box[1], box[2] - 1, box[3] - 1  # Pillow draws the last pixel too
    fill = COLOURS[colour]
    if shape == "circle":
        draw.ellipse((x1, y1, x2, y2), fill=fill)
    elif shape == "square":
        draw.rectangle((x1, y1, x2, y2), fill=fill)
    else:
        draw.polygon([((x1 + x2) / 2, y1), (x1, y2), (x2, y2)], fill=fill)
