# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.coordinates import (
    FAMILIES,
    answer_extent,
    from_extent,
    model_size,
    smart_resize,
    to_extent,
    to_thousandths,
)


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


@st.composite
def extents_and_boxes(draw):
    """An answer space and a box with area in it, of integers."""
    extent = draw(st.sampled_from([(1000, 1000), (644, 476), (28, 5600)]))
    corners = [sorted(draw(st.lists(st.integers(0, end), min_size=2, max_size=2, unique=True))) for end in extent]
    return extent, (corners[0][0], corners[1][0], corners[0][1], corners[1][1])


@given(size=st.tuples(sides, sides), drawn=extents_and_boxes())
def test_there_and_back_gives_the_same_box(size, drawn):
    extent, box = drawn
    assert to_extent(from_extent(box, size, extent), size, extent) == box


@pytest.mark.parametrize(
    ("size", "budget", "expected"),
    [
        ((640, 480), (3136, 401408), (644, 476)),
        ((1417, 944), (3136, 401408), (756, 504)),
        ((20, 10), (3136, 401408), (84, 56)),
        ((42, 70), (784, 401408), (56, 56)),  # halves are rounded to even: 1.5 -> 2, 2.5 -> 2
    ],
)
def test_smart_resize(size, budget, expected):
    assert smart_resize(size, 28, *budget) == expected


@pytest.mark.parametrize(
    ("size", "max_pixels", "message"),
    [((2010, 10), 401408, "longer than 200 times"), ((5000, 30), 100 * 784, "no side left when reduced to 78400")],
)
def test_pictures_too_long_for_the_model_are_refused(size, max_pixels, message):
    with pytest.raises(ValueError, match=message):
        smart_resize(size, 28, 3136, max_pixels)


def test_each_family_answers_in_its_own_space():
    spaces = {name: answer_extent((640, 480), family, 3136, 401408) for name, family in FAMILIES.items()}
    assert spaces == {"qwen2-vl": (1000, 1000), "qwen2.5-vl": (644, 476), "qwen3-vl": (1000, 1000)}


def test_the_processor_enlarges_what_the_rows_budget_leaves_small():
    assert model_size((112, 112), FAMILIES["qwen3-vl"], min_pixels=3136, max_pixels=401408) == (256, 256)
