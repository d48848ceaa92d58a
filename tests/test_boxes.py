# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.boxes import Box, area, giou, iou, match_greedy

SQUARE = (0, 0, 10, 10)

coordinate = st.floats(min_value=0, max_value=1000, width=32)
any_box = st.tuples(coordinate, coordinate, coordinate, coordinate)
proper_box = st.tuples(st.integers(0, 999), st.integers(0, 999), st.integers(1, 500), st.integers(1, 500)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@pytest.mark.parametrize(
    ("box", "expected"), [(SQUARE, 100), ((3, 4, 5, 10), 12), ((5, 5, 5, 9), 0), ((9, 9, 1, 1), 0), ((9, 0, 1, 5), 0)]
)
def test_area(box: Box, expected: float) -> None:
    assert area(box) == expected


@pytest.mark.parametrize(
    ("other", "expected_iou", "expected_giou"),
    [
        pytest.param(SQUARE, 1, 1, id="same"),
        pytest.param((0, 5, 10, 15), 1 / 3, 1 / 3, id="half over, hull = union"),
        pytest.param((5, 5, 15, 15), 25 / 175, 25 / 175 - 50 / 225, id="corner over"),
        pytest.param((2, 2, 4, 4), 0.04, 0.04, id="inside"),
        pytest.param((10, 0, 20, 10), 0, 0, id="touching"),
        pytest.param((20, 0, 30, 10), 0, -1 / 3, id="apart"),
        pytest.param((90, 90, 100, 100), 0, -0.98, id="far apart"),
        pytest.param((10, 10, 0, 0), 0, 0, id="inverted: no area"),
        pytest.param((5, 5, 5, 5), 0, 0, id="point inside"),
    ],
)
def test_iou_and_giou(other: Box, expected_iou: float, expected_giou: float) -> None:
    assert iou(SQUARE, other) == pytest.approx(expected_iou)
    assert giou(SQUARE, other) == pytest.approx(expected_giou)


def test_boxes_without_a_hull() -> None:
    assert giou((5, 5, 5, 5), (5, 5, 5, 5)) == 0


@given(any_box, any_box)
def test_overlap_is_symmetric_and_bounded(first: Box, second: Box) -> None:
    assert iou(first, second) == iou(second, first)
    assert giou(first, second) == giou(second, first)
    assert 0 <= iou(first, second) <= 1 + 1e-9
    assert -1 <= giou(first, second) <= iou(first, second)


@given(proper_box, proper_box, st.integers(2, 9))
def test_overlap_does_not_depend_on_scale(first: Box, second: Box, factor: int) -> None:
    larger = [tuple(factor * value for value in box) for box in (first, second)]
    assert iou(first, first) == giou(first, first) == 1
    assert iou(*larger) == pytest.approx(iou(first, second))
    assert giou(*larger) == pytest.approx(giou(first, second))


@pytest.mark.parametrize(
    ("predictions", "truths", "threshold", "expected"),
    [
        pytest.param([], [SQUARE], 0.5, [], id="no prediction"),
        pytest.param([SQUARE], [], 0.5, [(None, 0)], id="no truth"),
        pytest.param([(0, 0, 10, 5)], [SQUARE], 0.5, [(0, 0.5)], id="the threshold itself is a match"),
        pytest.param([(0, 0, 10, 4)], [SQUARE], 0.5, [(None, 0)], id="below the threshold"),
        pytest.param([(0, 0, 10, 9), SQUARE], [SQUARE], 0.5, [(0, 0.9), (None, 0)], id="the first one takes it"),
        pytest.param([(0, 0, 10, 8)], [(0, 0, 10, 6), SQUARE], 0.1, [(1, 0.8)], id="best, not first"),
        pytest.param([SQUARE, SQUARE], [SQUARE, SQUARE], 0.5, [(0, 1), (1, 1)], id="ties go to the earlier truth"),
        pytest.param(
            [(0, 0, 10, 8), SQUARE], [SQUARE, (0, 0, 10, 5)], 0.5, [(0, 0.8), (1, 0.5)], id="second best when taken"
        ),
    ],
)
def test_match_greedy(
    predictions: list[Box], truths: list[Box], threshold: float, expected: list[tuple[int | None, float]]
) -> None:
    matches = match_greedy(predictions, truths, threshold)
    assert [truth for truth, _ in matches] == [truth for truth, _ in expected]
    assert [overlap for _, overlap in matches] == pytest.approx([overlap for _, overlap in expected])


@given(st.lists(proper_box, max_size=8), st.lists(proper_box, max_size=8), st.sampled_from([0.1, 0.5]))
def test_a_truth_is_given_away_once_and_never_below_the_threshold(
    predictions: list[Box], truths: list[Box], threshold: float
) -> None:
    matches = match_greedy(predictions, truths, threshold)
    taken = [truth for truth, _ in matches if truth is not None]
    assert len(matches) == len(predictions)
    assert len(taken) == len(set(taken))
    for prediction, (truth, overlap) in zip(predictions, matches, strict=True):
        assert overlap == (0 if truth is None else iou(prediction, truths[truth]))
        assert truth is None or overlap >= threshold
    free = set(range(len(truths))) - set(taken)
    for prediction, (truth, _) in zip(predictions, matches, strict=True):
        assert truth is not None or all(iou(prediction, truths[index]) < threshold for index in free)
