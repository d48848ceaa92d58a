# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What can be drawn of a truth or an answer, and converted between coordinate spaces: no task is known here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from verl_visual_rft.boxes import Box

Point = tuple[float, float]


class Shape(str, Enum):
    """What a mark is."""

    BOX = "box"
    """Two points: the corners with the lower and with the higher coordinates."""
    POINT = "point"
    """One point."""
    POLYGON = "polygon"
    """Three points or more, in order around an area."""
    TEXT = "text"
    """No point: a label about the whole picture."""


@dataclass(frozen=True)
class Mark:
    """One thing to be drawn.

    Attributes:
        shape: What it is.
        points: ``(x, y)`` each, in the coordinates of whatever has the mark: a truth's or answer's up to its extent.
        label: Its name; empty where it needs none.
        confidence: In [0, 1]; None where none is given.
    """

    shape: Shape
    points: tuple[Point, ...] = ()
    label: str = ""
    confidence: float | None = None

    @property
    def box(self) -> Box:
        """The smallest box around it; a mark without points has none.

        Raises:
            ValueError: It has no points.
        """
        xs, ys = zip(*self.points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def scaled(self, x: float, y: float) -> Mark:
        """Return it with its coordinates multiplied."""
        return replace(self, points=tuple((across * x, down * y) for across, down in self.points))

    def lies_within(self, extent: tuple[float, float]) -> bool:
        """Whether all its points are finite and in a space of that extent."""
        return all(
            math.isfinite(x) and math.isfinite(y) and 0 <= x <= extent[0] and 0 <= y <= extent[1]
            for x, y in self.points
        )


def box_mark(box: Sequence[float], label: str = "", confidence: float | None = None) -> Mark:
    """Return the mark of a box ``(x1, y1, x2, y2)``.

    Example:
        >>> box_mark((1, 2, 3, 4), "cat").box
        (1, 2, 3, 4)
    """
    x1, y1, x2, y2 = box
    return Mark(Shape.BOX, ((x1, y1), (x2, y2)), label, confidence)


def text_mark(label: str) -> Mark:
    """Return the mark of a text about the whole picture."""
    return Mark(Shape.TEXT, (), label)
