# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes drawn at random: objects of made-up pictures, and guesses of made-up policies.

All are ``(x1, y1, x2, y2)`` in whole numbers inside ``(0, 0, *extent)``, at least one unit wide and high.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from verl_visual_rft.boxes import Box

Extent = tuple[float, float]
Drawn = TypeVar("Drawn")

#: Sides of objects relative to the picture are log-normal, as in COCO: most are small, a few fill the picture.
LOG_SIDE = (-1.5, 0.8)
#: Spread of each edge in box sides; gives a mean IoU of about 0.7.
JITTER = 0.12
#: The same for a mean IoU of about 0.5, and of 0.85.
WEAK_JITTER, STRONG_JITTER = 0.25, 0.05


def random_box(rng: Random, extent: Extent) -> Box:
    """Draw a box of a typical object's size anywhere in the picture."""
    size = rng.lognormvariate(*LOG_SIDE)
    aspect = rng.lognormvariate(0.0, 0.25)
    return place(rng, min(1.0, size * aspect), min(1.0, size / aspect), extent)


def distinct(drawn: Sequence[Drawn]) -> list[Drawn]:
    """Return each object once: no data set has one twice, for preparation mends that, and metrics count it once."""
    return [thing for place, thing in enumerate(drawn) if thing not in drawn[:place]]


def place(rng: Random, width: float, height: float, extent: Extent) -> Box:
    """Place a box of given width and height, both relative to the picture, anywhere in it."""
    x, y = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return whole((x * extent[0], y * extent[1], (x + width) * extent[0], (y + height) * extent[1]), extent)


def elsewhere(box: Box, rng: Random, extent: Extent) -> Box:
    """Draw a box of the same size in a place that has nothing to do with the given one."""
    return place(rng, (box[2] - box[0]) / extent[0], (box[3] - box[1]) / extent[1], extent)


def jittered(box: Box, rng: Random, extent: Extent, spread: float = JITTER) -> Box:
    """Move each edge by a normal share of the box's side."""
    width, height = spread * (box[2] - box[0]), spread * (box[3] - box[1])
    x1, y1, x2, y2 = box
    return whole((rng.gauss(x1, width), rng.gauss(y1, height), rng.gauss(x2, width), rng.gauss(y2, height)), extent)


def scaled(box: Box, factor: float, extent: Extent) -> Box:
    """Enlarge a box about its centre, as far as the picture reaches."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half_width, half_height = factor * (box[2] - box[0]) / 2, factor * (box[3] - box[1]) / 2
    return whole((x - half_width, y - half_height, x + half_width, y + half_height), extent)


def whole(box: Box, extent: Extent) -> Box:
    """Round to whole numbers inside the picture, at least one unit wide and high."""
    x1, x2 = _span(box[0], box[2], int(extent[0]))
    y1, y2 = _span(box[1], box[3], int(extent[1]))
    return (x1, y1, x2, y2)


def _span(low: float, high: float, end: int) -> tuple[int, int]:
    start = min(max(round(low), 0), end - 1)
    return start, min(max(round(high), start + 1), end)
