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

# Points of a polygon that are written out for people.
_LISTED = 6
# Characters of a label that stand beside a mark.
_LONGEST = 40


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


def point_mark(point: Point, label: str = "", confidence: float | None = None) -> Mark:
    """Return the mark of a point ``(x, y)``.

    Example:
        >>> point_mark((1, 2)).points
        ((1, 2),)
    """
    return Mark(Shape.POINT, (point,), label, confidence)


def describe(marks: Sequence[Mark]) -> str:
    """Return marks in words: texts by their label, others by their coordinates.

    Example:
        >>> describe([box_mark((1, 2, 3, 4)), text_mark("cat")])
        '(1, 2, 3, 4), cat'
    """
    return ", ".join(
        mark.label if mark.shape is Shape.TEXT else _coordinates(mark) + (f" {mark.label}" if mark.label else "")
        for mark in marks
    )


def caption(mark: Mark, unsure: str = "") -> str:
    """Return what stands beside a mark: its label and its confidence, on one line that is not long.

    Args:
        mark: What is drawn.
        unsure: What stands for a confidence where there is none.

    Example:
        >>> caption(box_mark((1, 2, 3, 4), "cat", 0.8)), caption(box_mark((1, 2, 3, 4)), unsure="?")
        ('cat 0.80', '?')
    """
    label = " ".join(mark.label.split())
    cut = label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
    sure = unsure if mark.confidence is None else f"{mark.confidence:.2f}"
    return f"{cut} {sure}".strip()


def label_of(marks: Sequence[Mark]) -> str:
    """Return the first text about the whole picture; empty if there is none."""
    return next((mark.label for mark in marks if mark.shape is Shape.TEXT), "")


def text_mark(label: str) -> Mark:
    """Return the mark of a text about the whole picture."""
    return Mark(Shape.TEXT, (), label)


@dataclass(frozen=True)
class Outline:
    """A mark in pixels of a picture, as a page draws it.

    Attributes:
        shape: What it is.
        points: ``(x, y)`` each, in pixels with one decimal place.
        label: Text beside it; may be empty.
        radius: Of the ring around a point, in pixels.
        anchor: Which end of the text stands at `label_x`, "start" or "end", so that it does not leave the picture.
    """

    shape: Shape
    points: tuple[Point, ...]
    label: str = ""
    radius: float = 0.0
    anchor: str = "start"

    @property
    def label_x(self) -> float:
        """Where its label starts or ends: at the left or the right of it."""
        return (min if self.anchor == "start" else max)(x for x, _ in self.points)

    @property
    def label_y(self) -> float:
        """The height at which its label stands: the top of it."""
        return min(y for _, y in self.points)

    @property
    def path(self) -> str:
        """SVG path data."""
        if self.shape is Shape.BOX:
            (x1, y1), (x2, y2) = self.points
            across = round(x2 - x1, 1)
            return f"M{x1:g} {y1:g}h{across:g}v{round(y2 - y1, 1):g}h-{across:g}z"
        if self.shape is Shape.POINT:
            arc = f"a{self.radius:g} {self.radius:g} 0 0 0"
            width = f"{2 * self.radius:g}"
            (x, y), *_ = self.points
            return f"M{round(x - self.radius, 1):g} {y:g}{arc} {width} 0{arc} -{width} 0z"
        return "M" + "L".join(f"{x:g} {y:g}" for x, y in self.points) + "z"


def outline(mark: Mark, size: tuple[int, int], extent: tuple[float, float], label: str = "") -> Outline:
    """Return how a mark with points is drawn on a picture.

    Args:
        mark: In coordinates up to ``extent``.
        size: ``(width, height)`` of the picture in pixels.
        extent: Upper ends of the mark's coordinates.
        label: Text beside it.

    Example:
        >>> outline(box_mark((0, 100, 500, 1000)), (640, 480), (1000, 1000)).path
        'M0 48h320v432h-320z'
    """
    (width, height), (x_end, y_end) = size, extent
    points = tuple((round(x / x_end * width, 1), round(y / y_end * height, 1)) for x, y in mark.points)
    middle = sum(x for x, _ in points) / len(points)
    return Outline(mark.shape, points, label, round(max(size) / 80, 1), "end" if middle > width / 2 else "start")


def _coordinates(mark: Mark) -> str:
    if len(mark.points) > _LISTED:
        return f"{len(mark.points)} points around {_listed(mark.box)}"
    return _listed([value for point in mark.points for value in point])


def _listed(values: Sequence[float]) -> str:
    return f"({', '.join(f'{value:g}' for value in values)})"
