# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Coordinate spaces: pixels of the original image, and the 0-1000 grid that Qwen2-VL speaks.

Boxes are ``(x1, y1, x2, y2)``; sizes are ``(width, height)`` in pixels.
"""

from __future__ import annotations

Box = tuple[float, float, float, float]
Size = tuple[int, int]

GRID = 1000


def to_thousandths(box: Box, size: Size) -> tuple[int, int, int, int]:
    """Convert a pixel box to Qwen2-VL's integer grid, 0 to 1000 on each axis.

    ``x' = floor(1000 x / W)``, as the paper's code builds its ground truth (``int()``), kept inside the grid and at
    least one unit wide and high, because a box without area cannot be answered correctly.

    Args:
        box: Corners in pixels of the original image.
        size: Width and height of that image.

    Example:
        >>> to_thousandths((32.0, 24.0, 320.0, 240.0), (640, 480))
        (50, 50, 500, 500)
    """
    x1, x2 = _span(box[0], box[2], size[0])
    y1, y2 = _span(box[1], box[3], size[1])
    return x1, y1, x2, y2


def from_thousandths(box: Box, size: Size) -> Box:
    """Convert a box on the 0-1000 grid back to pixels of the original image, without rounding.

    Example:
        >>> from_thousandths((50, 50, 500, 500), (640, 480))
        (32.0, 24.0, 320.0, 240.0)
    """
    width, height = size
    return box[0] / GRID * width, box[1] / GRID * height, box[2] / GRID * width, box[3] / GRID * height


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    start = min(max(int(GRID * low / length), 0), GRID - 1)
    end = min(max(int(GRID * high / length), start + 1), GRID)
    return start, end
