# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The overlaps of boxes against their definitions in exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.boxes import Box, ciou, diou, giou, iou

Exact = tuple[Fraction, ...]

grid = st.integers(0, 1000).map(float)
pixel = st.floats(0, 5000, allow_subnormal=False).map(lambda value: round(value, 3))
any_float = st.floats(0, 1000, width=64)
corner = st.one_of(grid, pixel, any_float)
boxes = st.tuples(corner, corner, corner, corner)
proper = boxes.map(lambda box: (*map(min, box[:2], box[2:]), *map(max, box[:2], box[2:]))).filter(
    lambda box: box[2] - box[0] > 1e-3 and box[3] - box[1] > 1e-3
)


def side(low: Fraction, high: Fraction) -> Fraction:
    return max(high - low, Fraction(0))


def exact_area(box: Exact) -> Fraction:
    return side(box[0], box[2]) * side(box[1], box[3])


def exact_iou(a: Exact, b: Exact) -> Fraction:
    meet = side(max(a[0], b[0]), min(a[2], b[2])) * side(max(a[1], b[1]), min(a[3], b[3]))
    return meet / (exact_area(a) + exact_area(b) - meet)


def exact_giou(a: Exact, b: Exact) -> Fraction:
    hull = exact_area((min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])))
    meet = side(max(a[0], b[0]), min(a[2], b[2])) * side(max(a[1], b[1]), min(a[3], b[3]))
    return exact_iou(a, b) - (hull - (exact_area(a) + exact_area(b) - meet)) / hull


def exact_diou(a: Exact, b: Exact) -> Fraction:
    centres = [((a[axis] + a[axis + 2] - b[axis] - b[axis + 2]) / 2) ** 2 for axis in (0, 1)]
    diagonal = [(max(a[axis + 2], b[axis + 2]) - min(a[axis], b[axis])) ** 2 for axis in (0, 1)]
    return exact_iou(a, b) - sum(centres) / sum(diagonal)


def exact_ciou(a: Exact, b: Exact) -> Any:
    """To 50 digits: it has an arc tangent."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):

        def real(value: Fraction) -> Any:
            return mpmath.mpf(value.numerator) / value.denominator

        angles = [mpmath.atan(real((box[2] - box[0]) / (box[3] - box[1]))) for box in (a, b)]
        v = 4 / mpmath.pi**2 * (angles[0] - angles[1]) ** 2
        alpha = v / (1 - real(exact_iou(a, b)) + v) if v else 0
        return real(exact_diou(a, b)) - alpha * v


@pytest.mark.parametrize(
    ("ours", "exact"), [(iou, exact_iou), (giou, exact_giou), (diou, exact_diou), (ciou, exact_ciou)]
)
@given(first=proper, second=proper)
def test_overlaps_are_those_of_exact_arithmetic_to_12_decimals(
    ours: Callable[[Box, Box], float], exact: Callable[[Exact, Exact], Any], first: Box, second: Box
) -> None:
    a, b = (tuple(map(Fraction, box)) for box in (first, second))
    assert abs(ours(first, second) - float(exact(a, b))) < 1e-12
    assert abs(ours(first, first) - 1) < 1e-12
