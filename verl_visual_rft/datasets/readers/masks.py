# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Masks of ReasonSeg's polygons, pixel for pixel as LISA draws them (its ``utils/data_processing.py``).

OpenCV draws them: Pillow fills other pixels along the edges of most polygons, about one in a thousand.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from PIL import Image

from verl_visual_rft.coordinates import Size
from verl_visual_rft.errors import UserError

TARGET = 1
#: Pixels that count neither as right nor as wrong.
IGNORE = 255


@dataclass(frozen=True, slots=True)
class Polygon:
    """A labelled polygon."""

    label: str  #: "target", "ignore" or "flag", the last a dead annotation.
    points: tuple[tuple[float, float], ...]  #: Corners ``(x, y)`` in pixels; a flag may have fewer than three.

    @property
    def is_flag(self) -> bool:
        """Whether it is a dead annotation."""
        return self.label.lower() == "flag"

    @property
    def is_target(self) -> bool:
        """Whether it belongs to what is looked for: neither flag nor ignored, as LISA reads labels."""
        return not self.is_flag and "ignore" not in self.label.lower()


def require_opencv() -> None:
    """Raise a `UserError` with the remedy where OpenCV is not installed."""
    _opencv()


def encode_mask(polygons: Sequence[Polygon], size: Size) -> bytes:
    """Draw polygons into a mask: 0 background, `TARGET`, `IGNORE`; flags are left out.

    Larger polygons are drawn first and smaller ones over them, whatever their labels.

    Returns:
        A greyscale PNG.

    Raises:
        UserError: OpenCV is not installed.
    """
    drawn = [polygon for polygon in polygons if not polygon.is_flag]
    areas = [int(_draw(_blank(size), polygon, 1).sum()) for polygon in drawn]
    mask = _blank(size)
    # LISA reverses an ascending sort: of equal areas the later one is drawn first.
    for _, position in sorted(zip(areas, range(len(drawn)), strict=True), reverse=True):
        _draw(mask, drawn[position], TARGET if drawn[position].is_target else IGNORE)
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def encode_masks(wanted: Mapping[str, tuple[Sequence[Polygon], Size]], workers: int) -> dict[str, bytes]:
    """Draw a mask for each name, ``workers`` threads at a time (OpenCV and PNG work outside the interpreter's lock).

    Returns:
        By the same names, what `encode_mask` returns.
    """
    with ThreadPoolExecutor(workers) as pool:
        return dict(zip(wanted, pool.map(lambda mask: encode_mask(*mask), wanted.values()), strict=True))


def _blank(size: Size) -> Any:
    import numpy as np

    return np.zeros((size[1], size[0]), dtype=np.uint8)


def _draw(mask: Any, polygon: Polygon, value: int) -> Any:
    import numpy as np

    points = np.array([polygon.points], dtype=np.int32)
    cv2 = _opencv()
    cv2.polylines(mask, points, True, value, 1)
    cv2.fillPoly(mask, points, value)
    return mask


def _opencv() -> ModuleType:
    try:
        import cv2
    except ImportError as error:
        raise UserError(
            "masks need OpenCV, which is not installed: pip install 'verl-visual-rft[data]', "
            "or pip install opencv-python-headless"
        ) from error
    return cv2
