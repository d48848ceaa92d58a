# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.boxes import Box, area, ciou, diou, giou, iou, l1_similarity, match_greedy

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


@pytest.mark.parametrize(
    ("other", "expected_diou", "expected_v"),
    [
        pytest.param(SQUARE, 1, 0, id="same"),
        pytest.param((0, 5, 10, 15), 1 / 3 - 25 / 325, 0, id="half over"),
        pytest.param((2, 2, 4, 4), 0.04 - 8 / 200, 0, id="inside, off the centre"),
        pytest.param((4, 4, 6, 6), 0.04, 0, id="inside, at the centre"),
        pytest.param((20, 0, 30, 10), -400 / 1000, 0, id="apart"),
        pytest.param((0, 0, 20, 5), 1 / 3 - 31.25 / 500, (math.atan(4) - math.atan(1)) ** 2, id="wide"),
        pytest.param((0, 0, 5, 20), 1 / 3 - 31.25 / 500, (math.atan(4) - math.atan(1)) ** 2, id="high"),
    ],
)
def test_diou_and_ciou(other: Box, expected_diou: float, expected_v: float) -> None:
    assert diou(SQUARE, other) == pytest.approx(expected_diou)
    v = 4 / math.pi**2 * expected_v
    penalty = v and v * v / (1 - iou(SQUARE, other) + v)
    assert ciou(SQUARE, other) == pytest.approx(expected_diou - penalty)


@pytest.mark.parametrize("other", [(5, 5, 5, 5), (9, 9, 1, 1), (0, 5, 10, 5)])
def test_boxes_without_area_are_the_worst(other: Box) -> None:
    assert diou(SQUARE, other) == diou(other, SQUARE) == -1
    assert ciou(SQUARE, other) == ciou(other, SQUARE) == -1.5


def test_distance_and_complete_iou_agree_with_torchvision() -> None:
    torch = pytest.importorskip("torch")
    ops = pytest.importorskip("torchvision.ops")
    rng = random.Random(0)
    boxes = [(x, y, x + rng.randint(1, 500), y + rng.randint(1, 500)) for x, y in [(7, 3), (200, 90), (210, 80)] * 5]
    tensor = torch.tensor(boxes, dtype=torch.float64)
    for ours, theirs in ((diou, ops.distance_box_iou), (ciou, ops.complete_box_iou), (giou, ops.generalized_box_iou)):
        expected = theirs(tensor, tensor).tolist()
        for first, row in zip(boxes, expected, strict=True):
            assert [ours(first, second) for second in boxes] == pytest.approx(row, abs=1e-6)


@pytest.mark.parametrize(
    ("other", "extent", "expected"),
    [
        pytest.param(SQUARE, (100, 100), 1, id="same"),
        pytest.param((0, 0, 20, 10), (100, 100), 0.975, id="one coordinate off by a tenth"),
        pytest.param((0, 0, 20, 10), (50, 100), 0.95, id="each axis has its extent"),
        pytest.param((10, 10, 20, 20), (20, 20), 0.5, id="all off by half"),
    ],
)
def test_l1_similarity(other: Box, extent: tuple[float, float], expected: float) -> None:
    assert l1_similarity(SQUARE, other, extent) == pytest.approx(expected)
    assert l1_similarity(other, SQUARE, extent) == pytest.approx(expected)


@given(any_box, any_box)
def test_distance_and_shape_only_lower_the_overlap(first: Box, second: Box) -> None:
    assert diou(first, second) == pytest.approx(diou(second, first))
    assert ciou(first, second) == pytest.approx(ciou(second, first))
    assert -1.5 <= ciou(first, second) <= diou(first, second) <= iou(first, second)
    assert -1 <= diou(first, second)
    assert 0 <= l1_similarity(first, second, (1000, 1000)) <= 1


def test_boxes_too_small_for_an_area_overlap_nothing() -> None:
    speck = (0.0, 0.0, 1e-200, 1e-200)
    assert area(speck) == iou(speck, speck) == 0
    assert match_greedy([speck], [speck], 0.5) == [(None, 0)]


@pytest.mark.parametrize("similarity", [iou, giou, diou, ciou])
@given(first=proper_box, second=proper_box)
def test_a_box_that_moves_onto_another_of_its_size_comes_ever_nearer(
    similarity: Callable[[Box, Box], float], first: Box, second: Box
) -> None:
    start = (second[0], second[1], second[0] + first[2] - first[0], second[1] + first[3] - first[1])
    steps = [
        similarity(tuple(a + (b - a) * step / 4 for a, b in zip(start, first, strict=True)), first) for step in range(5)
    ]
    assert all(later >= earlier - 1e-9 for earlier, later in zip(steps, steps[1:], strict=False))
    assert steps[-1] == 1


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
    assert diou(first, first) == ciou(first, first) == 1
    for similarity in (iou, giou, diou, ciou):
        assert similarity(*larger) == pytest.approx(similarity(first, second))


@pytest.mark.parametrize(
    ("predictions", "truths", "threshold", "expected"),
    [
        pytest.param([], [SQUARE], 0.5, [], id="no prediction"),
        pytest.param([SQUARE], [], 0.5, [(None, 0)], id="no truth"),
        pytest.param([(0, 0, 10, 5)], [SQUARE], 0.5, [(0, 0.5)], id="the threshold itself is a match"),
        pytest.param([(0, 0, 10, 4)], [SQUARE], 0.5, [(None, 0)], id="below the threshold"),
        pytest.param([(0, 0, 10, 9), SQUARE], [SQUARE], 0.5, [(0, 0.9), (None, 0)], id="the first one takes it"),
        pytest.param([(0, 0, 10, 8)], [(0, 0, 10, 6), SQUARE], 0.1, [(1, 0.8)], id="best, not first"),
        pytest.param([SQUARE], [(9, 9, 1, 1), (0, 0, 10, 8)], 0.5, [(1, 0.8)], id="an inverted truth is none"),
        pytest.param([(9, 9, 1, 1), SQUARE], [SQUARE], 0.5, [(None, 0), (0, 1)], id="an inverted prediction is none"),
        pytest.param([SQUARE, SQUARE], [SQUARE, SQUARE], 0.5, [(1, 1), (0, 1)], id="ties go to the last truth"),
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


def match_simply(predictions: list[Box], truths: list[Box], threshold: float) -> list[tuple[int | None, float]]:
    """The definition of `match_greedy`, word for word and slow."""
    free = dict(enumerate(truths))
    matches: list[tuple[int | None, float]] = []
    for prediction in predictions:
        best, best_iou = None, 0.0
        for index, truth in free.items():
            overlap = iou(prediction, truth)
            if overlap >= threshold and overlap >= best_iou:
                best, best_iou = index, overlap
        if best is not None:
            del free[best]
        matches.append((best, best_iou))
    return matches


close_box = st.tuples(*[st.integers(0, 12)] * 4)  # many overlap, many are equal, many are inverted


@given(
    st.lists(close_box | any_box, max_size=12),
    st.lists(close_box | any_box, max_size=12),
    st.sampled_from([1e-9, 0.1, 0.5, 1.0]),
)
def test_matching_in_place_is_matching_by_definition(
    predictions: list[Box], truths: list[Box], threshold: float
) -> None:
    assert match_greedy(predictions, truths, threshold) == match_simply(predictions, truths, threshold)


def flood(count: int, smallest: float, largest: float, seed: int) -> list[Box]:
    rng = random.Random(seed)
    sizes = [(rng.uniform(smallest, largest), rng.uniform(smallest, largest)) for _ in range(count)]
    corners = [(rng.uniform(0, 1000 - width), rng.uniform(0, 1000 - height)) for width, height in sizes]
    return [(x, y, x + width, y + height) for (x, y), (width, height) in zip(corners, sizes, strict=True)]


@pytest.mark.parametrize(
    ("predicted_sizes", "true_sizes", "threshold"),
    [
        pytest.param((20, 200), (20, 200), 0.5, id="random"),
        pytest.param((900, 999), (900, 999), 0.5, id="all overlap and match"),
        pytest.param((600, 700), (600, 700), 0.99, id="all overlap, none matches"),
    ],
)
def test_a_flood_is_matched_as_by_definition_and_quickly(
    predicted_sizes: tuple[float, float], true_sizes: tuple[float, float], threshold: float
) -> None:
    predictions, truths = flood(300, *predicted_sizes, seed=1), flood(100, *true_sizes, seed=2)
    assert match_greedy(predictions, truths, threshold) == match_simply(predictions, truths, threshold)
    seconds = []
    for function in (match_greedy, match_simply) * 5:
        start = time.process_time()
        function(predictions, truths, threshold)
        seconds.append(time.process_time() - start)
    assert min(seconds[::2]) < 0.6 * min(seconds[1::2])
