# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.coordinates import from_thousandths, to_thousandths


@pytest.mark.parametrize(
    ("box", "size", "expected"),
    [
        ((32.0, 24.0, 320.0, 240.0), (640, 480), (50, 50, 500, 500)),
        ((0, 0, 640, 480), (640, 480), (0, 0, 1000, 1000)),
        ((1.9, 0, 2.1, 1), (1000, 1), (1, 0, 2, 1000)),  # rounded down, as the published ground truth is
        ((5, 5, 5, 5), (1000, 1000), (5, 5, 6, 6)),  # never without area
        ((-10, -10, 2000, 2000), (640, 480), (0, 0, 1000, 1000)),  # never outside
        ((640, 0, 640, 480), (640, 480), (999, 0, 1000, 1000)),
    ],
)
def test_to_thousandths(box, size, expected):
    assert to_thousandths(box, size) == expected


sides = st.integers(1, 10_000)
corners = st.floats(-100, 11_000, allow_nan=False)


@given(box=st.tuples(corners, corners, corners, corners), size=st.tuples(sides, sides))
def test_a_box_on_the_grid_is_inside_and_has_area(box, size):
    x1, y1, x2, y2 = to_thousandths(box, size)
    assert 0 <= x1 < x2 <= 1000 and 0 <= y1 < y2 <= 1000


@given(size=st.tuples(sides, sides), data=st.data())
def test_there_and_back_moves_a_corner_by_at_most_one_unit_of_the_grid(size, data):
    axis = st.integers(0, 999)
    x1, y1 = data.draw(axis), data.draw(axis)
    grid = (x1, y1, data.draw(st.integers(x1 + 1, 1000)), data.draw(st.integers(y1 + 1, 1000)))
    again = to_thousandths(from_thousandths(grid, size), size)
    assert all(abs(a - b) <= 1 for a, b in zip(grid, again, strict=True))
