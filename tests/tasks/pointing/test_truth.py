# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Truths, and the geometry of their targets."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks import load_task, make_sample, read_truth
from verl_visual_rft.tasks.marks import Shape
from verl_visual_rft.tasks.pointing.target import BoxTarget, DiscTarget, PolygonTarget, Target
from verl_visual_rft.tasks.pointing.truth import PointingTruth, gold_point
from verl_visual_rft.tasks.question import Space

BOX, POLYGON = {"box": [10, 20, 30, 60]}, {"polygon": [[0, 0], [100, 0], [0, 100]]}
DISC = {"point": [500, 400], "radius": 20}


def truth(*targets: Any, **more: Any) -> PointingTruth:
    read = read_truth("pointing", {"targets": list(targets), **more})
    assert isinstance(read, PointingTruth)
    return read


def test_targets_of_every_kind() -> None:
    assert truth(BOX, POLYGON, DISC).targets == (
        BoxTarget((10, 20, 30, 60)),
        PolygonTarget(((0, 0), (100, 0), (0, 100))),
        DiscTarget((500, 400), (20, 20)),
    )
    assert truth({"point": [5, 5], "radius": [2, 3.5]}).targets == (DiscTarget((5, 5), (2, 3.5)),)
    assert truth(BOX, extent=[1400, 700], think=False) == PointingTruth(
        (BoxTarget((10, 20, 30, 60)),), (1400, 700), False
    )
    closed = {"polygon": [*POLYGON["polygon"], [0, 0]]}
    assert truth(closed) == truth(POLYGON)


def test_what_a_truth_says_of_itself() -> None:
    both = truth(BOX, POLYGON)
    assert both.solution == '<answer>[{"point_2d": [20, 40]}, {"point_2d": [33, 33]}]</answer>'
    assert both.claim == truth(POLYGON, BOX).claim != truth(BOX).claim
    assert not both.is_negative and truth().is_negative
    assert truth().solution == "<answer>No Objects</answer>" and truth().in_words() == "No Objects"
    assert [mark.shape for mark in truth(BOX, POLYGON, DISC).marks()] == [Shape.BOX, Shape.POLYGON, Shape.POLYGON]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "has no list under the key 'targets'; give {\"targets\""),
        ({"targets": "all"}, "has no list under the key 'targets'"),
        ({"targets": [[1, 2, 3, 4]]}, "target '[1, 2, 3, 4]' is none; give {\"box\""),
        ({"targets": [{}]}, "target '{}' is none"),
        ({"targets": [BOX | DISC]}, "is none"),
        ({"targets": [{"box": [3, 2, 1, 4]}]}, "box [3, 2, 1, 4] is not valid"),
        ({"targets": [{"box": [0, 0, 1, 1001]}]}, "box [0, 0, 1, 1001] is not valid"),
        ({"targets": [{"polygon": 3}]}, "has no list under the key 'polygon'"),
        ({"targets": [{"polygon": [[0, 0], [1, 1]]}]}, "three vertices or more"),
        ({"targets": [{"polygon": [[0, 0], [1, 1], [2, 2]]}]}, "has no area"),
        ({"targets": [{"polygon": [[0, 0], [9, 0], *[[9, 9]] * 9_999]}]}, "10,001 vertices has more than the 10,000"),
        ({"targets": [{"polygon": [[0, 0], [9, 0], [9, 9]] * 400_000}]}, "1,200,000 vertices has more than the"),
        ({"targets": [{"polygon": [[0, 0], [1, 1], [2000, 2]]}]}, "point [2000, 2] is not valid"),
        ({"targets": [{"point": [5, math.nan], "radius": 1}]}, "point [5, nan] is not valid"),
        ({"targets": [{"point": [5, 5], "radius": 0}]}, "'radius' that is neither"),
        ({"targets": [{"point": [5, 5], "radius": [1, 2, 3]}]}, "'radius' that is neither"),
        ({"targets": [], "think": "no"}, "'think' that is neither"),
        ("<answer>(1,2)</answer>", "does not say how large the targets are"),
    ],
)
def test_what_is_no_truth_is_said(content: Any, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        read_truth("pointing", content)


vertices = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=3, max_size=9, unique=True)
numbers = st.floats(0.5, 400, allow_nan=False)


@given(vertices, st.integers(0, 1000))
def test_a_polygon_holds_what_matplotlib_says(corners: list[tuple[int, int]], seed: int) -> None:
    """Of polygons that do not cross themselves: sorted around their middle."""
    x, y = np.mean(corners, axis=0)
    around = sorted(corners, key=lambda corner: math.atan2(corner[1] - y, corner[0] - x))
    polygon, path = (
        PolygonTarget(tuple((float(a), float(b)) for a, b in around)),
        Path([*around, around[0]], closed=True),
    )
    rng = random.Random(seed)
    for _ in range(20):
        point = rng.uniform(-1, 51), rng.uniform(-1, 51)
        near_border = path.contains_point(point, radius=1e-6) != path.contains_point(point, radius=-1e-6)
        assert near_border or polygon.holds(point) == path.contains_point(point)


def targets_of(kind: str, a: float, b: float, c: float, d: float, corners: list[tuple[int, int]]) -> Target:
    if kind == "box":
        return BoxTarget((a, b, a + c, b + d))
    return DiscTarget((a, b), (c, d)) if kind == "disc" else PolygonTarget(tuple((x + a, y + b) for x, y in corners))


@given(st.sampled_from(["box", "disc", "polygon"]), numbers, numbers, numbers, numbers, vertices)
def test_the_gold_point_lies_inside(
    kind: str, a: float, b: float, c: float, d: float, corners: list[tuple[int, int]]
) -> None:
    target = targets_of(kind, a, b, c, d, corners)
    if target.area > 1e-6:
        assert target.holds(target.middle) and target.holds(gold_point(target))


@pytest.mark.parametrize(
    "corners",
    [
        [
            (0, 0),
            (100, 0),
            (100, 10),
            (10, 10),
            (10, 90),
            (100, 90),
            (100, 100),
            (0, 100),
        ],  # a C: its centre is outside
        [(0, 0), (9, 0), (9, 9), (8, 9), (8, 1), (0, 1)],
    ],
)
def test_the_middle_of_a_hollow_shape_is_inside_it(corners: list[tuple[float, float]]) -> None:
    polygon = PolygonTarget(tuple(corners))
    x1, y1, x2, y2 = polygon.box
    assert not polygon.holds(((x1 + x2) / 2, (y1 + y2) / 2)) and polygon.holds(polygon.middle)


def test_areas_and_borders() -> None:
    square = PolygonTarget(((0, 0), (10, 0), (10, 10), (0, 10)))
    assert (square.area, square.middle, square.box) == (100, (5, 5), (0, 0, 10, 10))
    assert all(square.holds(point) for point in ((0, 0), (10, 5), (5, 10), (10, 10)))
    assert not any(square.holds(point) for point in ((-1, 0), (11, 0), (5, 10.1)))
    disc = DiscTarget((5, 5), (2, 1))
    assert disc.area == pytest.approx(2 * math.pi) and disc.holds((7, 5)) and disc.holds((5, 6))
    assert not disc.holds((6.9, 5.9)) and not disc.holds((5, 6.1))


def test_a_narrow_target_has_a_gold_point_between_whole_numbers() -> None:
    assert gold_point(BoxTarget((10.2, 5.0, 10.6, 9.0))) == (10.4, 7.0)


def test_targets_go_to_the_models_coordinates() -> None:
    """A picture of 200 x 100 that was annotated upright and is stored turned by 90 degrees."""
    space = Space(Placement(size=(100, 200), annotated=(200, 100), orientation=6), (1000, 1000), False)
    assert BoxTarget((20, 0, 60, 40)).mapped(space.point) == BoxTarget((600, 100, 1000, 300))
    assert DiscTarget((100, 50), (10, 5)).mapped(space.point) == DiscTarget((500, 500), (50, 50))
    assert PolygonTarget(((0, 0), (200, 0), (0, 100))).mapped(space.point).vertices == ((1000, 0), (1000, 1000), (0, 0))


@given(st.sampled_from(["box", "disc", "polygon"]), numbers, numbers, numbers, numbers, vertices)
def test_marks_lie_in_the_picture_and_the_gold_answer_says_the_truth(
    kind: str, a: float, b: float, c: float, d: float, corners: list[tuple[int, int]]
) -> None:
    target = targets_of(kind, a, b, c, d, corners)
    if target.area <= 1e-6:
        return
    read = truth(target.content())
    assert all(mark.lies_within(read.extent) for mark in read.marks())
    task = load_task("pointing")
    gold = make_sample("pointing", f"<think> a </think> {read.solution}", {"targets": [target.content()]})
    assert task.says(gold.answer, gold.truth) and task.find(gold.answer, gold.truth) == set()
