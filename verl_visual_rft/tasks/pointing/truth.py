# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is true of a pointing question: the targets that an instruction means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.marks import Mark, Point
from verl_visual_rft.tasks.pointing.prompt import pointing_answer
from verl_visual_rft.tasks.pointing.target import BoxTarget, DiscTarget, PolygonTarget, Target
from verl_visual_rft.tasks.reading import read_box, read_extent, read_list, read_think, unreadable
from verl_visual_rft.tasks.task import Truth

#: Vertices of a polygon that is read: each point of an answer is compared with every one.
MOST_VERTICES = 10_000
TARGET_FORM = '{"box": [x1, y1, x2, y2]}, {"polygon": [[x, y], ...]} or {"point": [x, y], "radius": r}'
TRUTH_FORM = f'give {{"targets": [...]}}, each {TARGET_FORM}'


@dataclass(frozen=True)
class PointingTruth(Truth):
    """The targets that an instruction means.

    Attributes:
        targets: In the answer's coordinates; none means that nothing is meant.
        extent: Upper ends of the answer's coordinates, ``(x, y)``.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    targets: tuple[Target, ...]
    extent: tuple[float, float] = EXTENT
    think: bool = True

    @property
    def solution(self) -> str:
        """A point in the middle of each."""
        return pointing_answer([gold_point(target) for target in self.targets])

    @property
    def is_negative(self) -> bool:
        """Whether nothing is meant."""
        return not self.targets

    @property
    def claim(self) -> frozenset[Target]:
        """Its targets in whatever order they are listed."""
        return frozenset(self.targets)

    def marks(self) -> tuple[Mark, ...]:
        """Return its targets, as far as they lie in the picture."""
        x_end, y_end = self.extent
        return tuple(
            Mark(mark.shape, tuple((min(x, x_end), min(y, y_end)) for x, y in mark.points))
            for mark in (target.mark() for target in self.targets)
        )


def gold_point(target: Target) -> Point:
    """Return the point that an answer has of a target: its middle, rounded as far as it stays inside."""
    x, y = target.middle
    rounded = ((round(x, digits), round(y, digits)) for digits in (0, 2))
    return next((point for point in rounded if target.holds(point)), (x, y))


def read_pointing(content: Mapping[str, Any]) -> PointingTruth:
    """Read ``{"targets": [...]}``; no targets = nothing is meant.

    Raises:
        UserError: There is no list of targets, or one of them is none in the picture.
    """
    targets = read_list(content, "targets", TRUTH_FORM)
    extent = read_extent(content, TRUTH_FORM)
    return PointingTruth(
        tuple(_read_target(target, extent) for target in targets), extent, read_think(content, TRUTH_FORM)
    )


def polygon_of(vertices: Sequence[Point]) -> PolygonTarget:
    """Return a polygon of vertices that lie in the picture; the first may be repeated at the end.

    Raises:
        UserError: They are fewer than three, more than `MOST_VERTICES`, or without area.
    """
    around = tuple(vertices[:-1] if len(vertices) > 1 and vertices[0] == vertices[-1] else vertices)
    if len(around) < 3:
        raise UserError("a polygon has three vertices or more")
    if len(around) > MOST_VERTICES:
        raise UserError(f"a polygon of {len(around):,} vertices has more than the {MOST_VERTICES:,} that are read")
    polygon = PolygonTarget(around)
    if not polygon.area > 0:
        raise UserError(f"polygon {[list(vertex) for vertex in around]!r} has no area")
    return polygon


def _read_target(value: object, extent: tuple[float, float]) -> Target:
    for keys, read in _READERS.items():
        if isinstance(value, Mapping) and value.keys() == keys:
            return read(value, extent)
    raise UserError(f"ground truth target {str(value)[:200]!r} is none; give {TARGET_FORM}")


def _read_box_target(value: Mapping[str, Any], extent: tuple[float, float]) -> Target:
    return BoxTarget(read_box(value["box"], extent, TRUTH_FORM))


def _read_polygon(value: Mapping[str, Any], extent: tuple[float, float]) -> Target:
    vertices = read_list(value, "polygon", TRUTH_FORM)
    return polygon_of([_read_point(vertex, extent) for vertex in vertices])


def _read_disc(value: Mapping[str, Any], extent: tuple[float, float]) -> Target:
    radius = value["radius"]
    radii = list(radius) if isinstance(radius, Sequence) and not isinstance(radius, str) else [radius, radius]
    if len(radii) != 2 or not all(type(length) in (int, float) and 0 < length < math.inf for length in radii):
        raise unreadable(value, "has a 'radius' that is neither a number above 0 nor two", TRUTH_FORM)
    return DiscTarget(_read_point(value["point"], extent), (float(radii[0]), float(radii[1])))


def _read_point(value: object, extent: tuple[float, float]) -> Point:
    if isinstance(value, Sequence) and len(value) == 2 and all(type(number) in (int, float) for number in value):
        x, y = value
        if 0 <= x <= extent[0] and 0 <= y <= extent[1]:
            return float(x), float(y)
    raise UserError(
        f"ground truth point {value!r} is not valid; {TRUTH_FORM} "
        f"with 0 <= x <= {extent[0]:g} and 0 <= y <= {extent[1]:g}"
    )


_READERS: Mapping[frozenset[str], Callable[[Mapping[str, Any], tuple[float, float]], Target]] = {
    frozenset({"box"}): _read_box_target,
    frozenset({"polygon"}): _read_polygon,
    frozenset({"point", "radius"}): _read_disc,
}
