# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What an instruction means, as areas of a picture: a box, a polygon, or a point with a radius.

A target lies in any one space: pixels of an annotated picture, or the coordinates of an answer.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from verl_visual_rft.boxes import Box, area
from verl_visual_rft.tasks.marks import Mark, Point, Shape, box_mark

# Vertices of the polygon as which a disc is drawn.
_CORNERS = 24
# Heights at which a polygon is searched for its widest part, at most.
_HEIGHTS = 200


class Target(ABC):
    """One thing that may be pointed at."""

    @property
    @abstractmethod
    def box(self) -> Box:
        """The smallest box around it."""

    @property
    @abstractmethod
    def area(self) -> float:
        """Its area, above 0."""

    @property
    @abstractmethod
    def middle(self) -> Point:
        """A point inside that stands for it: the centre of its area, where that is inside."""

    @abstractmethod
    def holds(self, point: Point) -> bool:
        """Whether a point lies in it, its border included."""

    @abstractmethod
    def mapped(self, to: Callable[[float, float], Point]) -> Target:
        """Return it in another space, whose axes are scaled, turned by right angles or mirrored."""

    @abstractmethod
    def mark(self) -> Mark:
        """Return what can be drawn of it."""

    @abstractmethod
    def content(self) -> Mapping[str, Any]:
        """Return it as a ground truth has it."""


@dataclass(frozen=True)
class BoxTarget(Target):
    """A box ``(x1, y1, x2, y2)`` with an area."""

    corners: Box

    @property
    def box(self) -> Box:
        """Itself."""
        return self.corners

    @property
    def area(self) -> float:
        """Width times height."""
        return area(self.corners)

    @property
    def middle(self) -> Point:
        """Its centre."""
        x1, y1, x2, y2 = self.corners
        return (x1 + x2) / 2, (y1 + y2) / 2

    def holds(self, point: Point) -> bool:
        """Whether a point lies between its corners."""
        x1, y1, x2, y2 = self.corners
        return x1 <= point[0] <= x2 and y1 <= point[1] <= y2

    def mapped(self, to: Callable[[float, float], Point]) -> BoxTarget:
        """Map its corners."""
        return BoxTarget(_mapped_box(self.corners, to))

    def mark(self) -> Mark:
        """Return a box."""
        return box_mark(self.corners)

    def content(self) -> Mapping[str, Any]:
        """Return ``{"box": [x1, y1, x2, y2]}``."""
        return {"box": list(self.corners)}


@dataclass(frozen=True)
class DiscTarget(Target):
    """A point with a radius along each axis: in a space whose axes are scaled differently a disc is an ellipse."""

    point: Point
    radii: tuple[float, float]

    @property
    def box(self) -> Box:
        """The box around it, which may reach out of the picture."""
        (x, y), (across, down) = self.point, self.radii
        return x - across, y - down, x + across, y + down

    @property
    def area(self) -> float:
        """Pi times both radii."""
        return math.pi * self.radii[0] * self.radii[1]

    @property
    def middle(self) -> Point:
        """The point."""
        return self.point

    def holds(self, point: Point) -> bool:
        """Whether a point is no farther than the radius."""
        return math.hypot(*((p - c) / r for p, c, r in zip(point, self.point, self.radii, strict=True))) <= 1

    def mapped(self, to: Callable[[float, float], Point]) -> DiscTarget:
        """Map the point, and the box around it for the radii."""
        x1, y1, x2, y2 = _mapped_box(self.box, to)
        return DiscTarget(to(*self.point), (round((x2 - x1) / 2, 2), round((y2 - y1) / 2, 2)))

    def mark(self) -> Mark:
        """Return its circle as a polygon, as far as it is not left of or above the picture."""
        (x, y), (across, down) = self.point, self.radii
        turns = (2 * math.pi * corner / _CORNERS for corner in range(_CORNERS))
        return Mark(
            Shape.POLYGON,
            tuple((max(0.0, x + across * math.cos(turn)), max(0.0, y + down * math.sin(turn))) for turn in turns),
        )

    def content(self) -> Mapping[str, Any]:
        """Return ``{"point": [x, y], "radius": [across, down]}``."""
        return {"point": list(self.point), "radius": list(self.radii)}


@dataclass(frozen=True)
class PolygonTarget(Target):
    """Three vertices or more in order around an area; where lines cross, what an odd number of them encloses."""

    vertices: tuple[Point, ...]

    @cached_property
    def box(self) -> Box:
        """The smallest box around its vertices."""
        xs, ys = zip(*self.vertices, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @cached_property
    def area(self) -> float:
        """By the shoelace formula."""
        return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in self._edges)) / 2

    @cached_property
    def middle(self) -> Point:
        """The centre of its area if that is inside, else the middle of its widest part."""
        x0, y0 = self.vertices[0]
        twice = across = down = 0.0
        for (x1, y1), (x2, y2) in self._edges:
            cross = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
            twice, across, down = twice + cross, across + cross * (x1 + x2 - 2 * x0), down + cross * (y1 + y2 - 2 * y0)
        centre = (x0 + across / (3 * twice), y0 + down / (3 * twice)) if twice else (x0, y0)
        return centre if twice and self.holds(centre) else self._widest()

    def holds(self, point: Point) -> bool:
        """Whether a ray from the point crosses its border an odd number of times, or the point is on the border."""
        x, y = point
        inside = False
        for (x1, y1), (x2, y2) in self._edges:
            cross = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
            if cross == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
                return True
            if (y1 > y) != (y2 > y) and (cross > 0) == (y2 > y1):
                inside = not inside
        return inside

    def mapped(self, to: Callable[[float, float], Point]) -> PolygonTarget:
        """Map its vertices."""
        return PolygonTarget(tuple(to(x, y) for x, y in self.vertices))

    def mark(self) -> Mark:
        """Return a polygon."""
        return Mark(Shape.POLYGON, self.vertices)

    def content(self) -> Mapping[str, Any]:
        """Return ``{"polygon": [[x, y], ...]}``."""
        return {"polygon": [list(vertex) for vertex in self.vertices]}

    @cached_property
    def _edges(self) -> tuple[tuple[Point, Point], ...]:
        return tuple(zip(self.vertices, (*self.vertices[1:], self.vertices[0]), strict=True))

    def _widest(self) -> Point:
        heights = sorted({y for _, y in self.vertices})
        between = [(low + high) / 2 for low, high in pairwise(heights)]
        parts = []
        for y in between[:: len(between) // _HEIGHTS + 1]:
            crossings = sorted(
                x1 + (y - y1) * (x2 - x1) / (y2 - y1) for (x1, y1), (x2, y2) in self._edges if (y1 > y) != (y2 > y)
            )
            parts += [
                (right - left, (left + right) / 2, y)
                for left, right in zip(crossings[::2], crossings[1::2], strict=True)
            ]
        _, x, y = max(parts)
        return x, y


def _mapped_box(box: Box, to: Callable[[float, float], Point]) -> Box:
    (xa, ya), (xb, yb) = to(*box[:2]), to(*box[2:])
    return min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb)
