# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures for the miniature data sets: blobs on a coloured ramp, with the polygon of each known."""

from __future__ import annotations

import colorsys
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image, ImageDraw

from verl_visual_rft.boxes import Box
from verl_visual_rft.coordinates import Size

SIZE: Size = (160, 120)

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Scene:
    """A picture and the polygon of every object in it, in pixels, in the order that was asked for."""

    image: Image.Image
    polygons: tuple[Polygon, ...]


def draw_scene(rng: random.Random, kinds: Sequence[int]) -> Scene:
    """Draw one blob of each kind, side by side; a kind has its own colour and number of corners."""
    image = _ramp(rng)
    draw = ImageDraw.Draw(image)
    width = SIZE[0] / max(len(kinds), 1)
    polygons = tuple(_blob(rng, kind, (i * width, 0, (i + 1) * width, SIZE[1])) for i, kind in enumerate(kinds))
    for kind, polygon in zip(kinds, polygons, strict=True):
        draw.polygon(polygon, fill=_colour(kind))
    return Scene(image, polygons)


def area_of(polygon: Polygon) -> float:
    """Return a polygon's area in square pixels (shoelace formula)."""
    following = polygon[1:] + polygon[:1]
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(polygon, following, strict=True))) / 2


def write_jpeg(path: Path, image: Image.Image) -> None:
    """Write a JPEG; the folder is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "JPEG", quality=85)


def write_rotated_jpeg(path: Path, image: Image.Image) -> None:
    """Write a JPEG as a camera held upright does: lying on its side, with the EXIF tag that makes viewers turn it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # turn by 90 degrees clockwise to see it upright
    image.transpose(Image.Transpose.ROTATE_90).save(path, "JPEG", quality=85, exif=exif)


def _ramp(rng: random.Random) -> Image.Image:
    vertical = Image.linear_gradient("L")
    bands = [vertical.rotate(rng.choice((0, 90, 180, 270))).resize(SIZE) for _ in range(3)]
    return Image.merge("RGB", bands).point(lambda value: 60 + value // 2)


def _blob(rng: random.Random, kind: int, cell: Box) -> Polygon:
    """Return a polygon with 3 to 8 corners on an ellipse within the cell, to hundredths of a pixel as COCO has them."""
    x1, y1, x2, y2 = cell
    corners = 3 + kind % 6
    radius_x, radius_y = (x2 - x1) * rng.uniform(0.25, 0.45), (y2 - y1) * rng.uniform(0.2, 0.4)
    centre_x, centre_y = rng.uniform(x1 + radius_x, x2 - radius_x), rng.uniform(y1 + radius_y, y2 - radius_y)
    turn = rng.uniform(0, math.tau)
    angles = [turn + math.tau * corner / corners for corner in range(corners)]
    return tuple(
        (round(centre_x + radius_x * math.cos(angle), 2), round(centre_y + radius_y * math.sin(angle), 2))
        for angle in angles
    )


def _colour(kind: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(kind * 0.381966 % 1, 0.9, 0.95)  # the golden section keeps neighbours apart
    return round(255 * red), round(255 * green), round(255 * blue)
