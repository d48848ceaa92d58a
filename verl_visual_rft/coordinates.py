# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Coordinate spaces: pixels of the original picture, and those in which model families answer.

Boxes are ``(x1, y1, x2, y2)``; sizes are ``(width, height)`` in pixels. The extent of an answer space is the upper ends
of its axes, ``(x, y)``: (1000, 1000), or the resized picture of a family that answers in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from verl_visual_rft.boxes import Box

Size = tuple[int, int]

GRID = 1000
#: Qwen's resizing refuses pictures that are longer than this many times their short side.
MAX_ASPECT_RATIO = 200
# Boxes on the grid come back from pixels whole, whatever the picture's size; annotations are never given as finely.
_ROUNDING = 1e-6

# EXIF orientation -> where the corner (x, y) of a picture of width w and height h comes to lie upright.
EXIF_TURNS: dict[int, Callable[[float, float, int, int], tuple[float, float]]] = {
    1: lambda x, y, w, h: (x, y),
    2: lambda x, y, w, h: (w - x, y),
    3: lambda x, y, w, h: (w - x, h - y),
    4: lambda x, y, w, h: (x, h - y),
    5: lambda x, y, w, h: (y, x),
    6: lambda x, y, w, h: (h - y, x),
    7: lambda x, y, w, h: (h - y, w - x),
    8: lambda x, y, w, h: (y, w - x),
}


def in_one_pixel(box: Box) -> bool:
    """Whether a box of pixels lies in the first one: it is written in shares of the picture, it seems.

    Example:
        >>> in_one_pixel((0.1, 0.2, 0.5, 0.6)), in_one_pixel((0, 0, 1, 2))
        (True, False)
    """
    return min(box) >= 0 and max(box) <= 1


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the annotations of a picture lie in the picture as it is stored.

    Attributes:
        size: Width and height as stored, in pixels.
        annotated: Width and height of the picture that boxes were drawn on.
        orientation: EXIF orientation by which boxes are turned; 1 where they were drawn on the upright picture.
    """

    size: Size
    annotated: Size
    orientation: int = 1

    def box(self, box: Box) -> Box:
        """Return an annotated box, ``(x1, y1, x2, y2)`` in pixels, in pixels of the stored picture.

        Example:
            >>> Placement(size=(50, 100), annotated=(100, 50), orientation=6).box((10, 0, 30, 20))
            (30, 10, 50, 30)
        """
        (xa, ya), (xb, yb) = self.point(*box[:2]), self.point(*box[2:])
        return min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return an annotated point in pixels of the stored picture."""
        return EXIF_TURNS[self.orientation](x, y, *self.annotated)


@dataclass(frozen=True)
class Family:
    """What differs between the generations of Qwen-VL.

    Attributes:
        factor: Resized sides are multiples of this; one visual token covers ``factor * factor`` pixels.
        absolute: Whether it answers in pixels of the resized picture, not on the 0-1000 grid.
        min_pixels: Least pixels that the published checkpoints' processor resizes to.
        max_pixels: Most pixels.
    """

    factor: int
    absolute: bool
    min_pixels: int
    max_pixels: int


#: By the name used on command lines; pixel limits are those of the checkpoints' ``preprocessor_config.json``.
FAMILIES: Mapping[str, Family] = {
    "qwen2-vl": Family(factor=28, absolute=False, min_pixels=3136, max_pixels=12845056),
    "qwen2.5-vl": Family(factor=28, absolute=True, min_pixels=3136, max_pixels=12845056),
    "qwen3-vl": Family(factor=32, absolute=False, min_pixels=65536, max_pixels=16777216),
}


def smart_resize(size: Size, factor: int, min_pixels: int, max_pixels: int) -> Size:
    """Return the size that Qwen's ``smart_resize`` gives: multiples of ``factor``, the aspect ratio nearly kept.

    The arithmetic is that of ``qwen_vl_utils.smart_resize`` 0.0.14, floats included; transformers' own differs only
    where that one fails.

    Args:
        size: Width and height in pixels.
        factor: Both sides become multiples of it.
        min_pixels: Smaller pictures are enlarged to at least this many pixels.
        max_pixels: Larger ones are reduced to at most this many.

    Raises:
        ValueError: The picture is longer than `MAX_ASPECT_RATIO` times its short side, or so long that its short side
            vanishes below ``max_pixels``.

    Example:
        >>> smart_resize((640, 480), factor=28, min_pixels=3136, max_pixels=401408)
        (644, 476)
    """
    width, height = size
    if max(size) > MAX_ASPECT_RATIO * min(size):
        raise ValueError(f"{width}x{height} pixels is longer than {MAX_ASPECT_RATIO} times its short side")
    resized_width, resized_height = (max(factor, round(side / factor) * factor) for side in size)
    if resized_width * resized_height > max_pixels:
        scale = math.sqrt(height * width / max_pixels)
        resized_width, resized_height = (math.floor(side / scale / factor) * factor for side in size)
        if not resized_width or not resized_height:
            raise ValueError(f"{width}x{height} pixels has no side left when reduced to {max_pixels} pixels")
    elif resized_width * resized_height < min_pixels:
        scale = math.sqrt(min_pixels / (height * width))
        resized_width, resized_height = (math.ceil(side * scale / factor) * factor for side in size)
    return resized_width, resized_height


def model_size(size: Size, family: Family, min_pixels: int, max_pixels: int) -> Size:
    """Return the size at which the model sees a picture.

    veRL resizes twice: to the pixel budget of the row (``qwen_vl_utils.fetch_image``), then the model's processor to
    its own. The second changes something only where the row's budget reaches beyond the processor's.

    Raises:
        ValueError: See `smart_resize`.
    """
    budgeted = smart_resize(size, family.factor, min_pixels, max_pixels)
    return smart_resize(budgeted, family.factor, family.min_pixels, family.max_pixels)


def answer_extent(size: Size, family: Family, min_pixels: int, max_pixels: int) -> Size:
    """Return the extent of the space in which a family answers about a picture of ``size``.

    Example:
        >>> answer_extent((640, 480), FAMILIES["qwen2.5-vl"], min_pixels=3136, max_pixels=401408)
        (644, 476)
    """
    return model_size(size, family, min_pixels, max_pixels) if family.absolute else (GRID, GRID)


def to_extent(box: Box, size: Size, extent: Size) -> tuple[int, int, int, int]:
    """Convert a pixel box to integers of an answer space.

    ``x' = floor(X x / W)``, as the paper's code builds its ground truth (``int()``), kept inside the space and at least
    one unit wide and high, because a box without area cannot be answered correctly.

    Args:
        box: Corners in pixels of the original picture.
        size: Width and height of that picture.
        extent: Upper ends ``(X, Y)`` of the answer space.

    Example:
        >>> to_extent((32.0, 24.0, 320.0, 240.0), (640, 480), (644, 476))
        (32, 23, 322, 238)
    """
    x1, x2 = _span(box[0], box[2], size[0], extent[0])
    y1, y2 = _span(box[1], box[3], size[1], extent[1])
    return x1, y1, x2, y2


def from_extent(box: Box, size: Size, extent: tuple[float, float]) -> Box:
    """Convert a box of an answer space back to pixels of the original picture, without rounding."""
    (width, height), (x, y) = size, extent
    return box[0] / x * width, box[1] / y * height, box[2] / x * width, box[3] / y * height


def to_thousandths(box: Box, size: Size) -> tuple[int, int, int, int]:
    """Convert a pixel box to the integer grid of Qwen2-VL, 0 to 1000 on each axis; see `to_extent`.

    Example:
        >>> to_thousandths((32.0, 24.0, 320.0, 240.0), (640, 480))
        (50, 50, 500, 500)
    """
    return to_extent(box, size, (GRID, GRID))


def from_thousandths(box: Box, size: Size) -> Box:
    """Convert a box on the 0-1000 grid back to pixels of the original picture, without rounding.

    Example:
        >>> from_thousandths((50, 50, 500, 500), (640, 480))
        (32.0, 24.0, 320.0, 240.0)
    """
    return from_extent(box, size, (GRID, GRID))


def _span(low: float, high: float, length: int, extent: int) -> tuple[int, int]:
    start = min(max(math.floor(extent * low / length + _ROUNDING), 0), extent - 1)
    end = min(max(math.floor(extent * high / length + _ROUNDING), start + 1), extent)
    return start, end
