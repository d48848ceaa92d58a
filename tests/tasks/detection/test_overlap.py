# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from overlap_by_hand import HALF, HALF_DIOU, ONE, SIMILARITIES, TWO, V

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, score

LEFT = [0, 100, 100, 300]  # touches the first object: hull 300 x 200, IoU 0
AWAY = [900, 900, 1000, 1000]
LEFT_DIOU = 0 - 150**2 / (300**2 + 200**2)
LEFT_V = V  # 100 x 200


@pytest.mark.parametrize(
    ("component", "predictions", "truths", "expected"),
    [
        pytest.param("iou", [(ONE[0], 1)], ONE, 1, id="iou: perfect"),
        pytest.param("iou", [(HALF, 1)], ONE, 0.5, id="iou: at the threshold"),
        pytest.param("iou", [([100, 100, 300, 199], 1)], ONE, 0, id="iou: below the threshold"),
        pytest.param("iou", [(ONE[0], 1)], TWO, 1 / 1.5, id="iou: one missed"),
        pytest.param("iou", [(ONE[0], 1), (AWAY, 0)], ONE, 1 / 1.5, id="iou: one too many"),
        pytest.param("iou", [(ONE[0], 1), (ONE[0], 1)], ONE, 1 / 1.5, id="iou: duplicate"),
        pytest.param("iou", [(ONE[0], 0.2), (HALF, 0.9)], ONE, 0.5 / 1.5, id="iou: the sure one takes the object"),
        pytest.param("iou", [(ONE[0], 1), ([5, 5, 1, 1], 1)], ONE, 1 / 1.5, id="iou: inverted box"),
        pytest.param("iou", [([5, 5, 1, 1], 1)], ONE, 0, id="iou: only an inverted box"),
        pytest.param("iou", "No Objects", ONE, 0, id="iou: false negative"),
        pytest.param("giou", [(ONE[0], 1)], ONE, 1, id="giou: perfect"),
        pytest.param("giou", [(HALF, 1)], ONE, 0.75, id="giou: half"),
        pytest.param("giou", [(LEFT, 1)], ONE, 0.5, id="giou: touching"),
        pytest.param("giou", [(AWAY, 1)], ONE, (1 - 760000 / 810000) / 2, id="giou: far"),
        pytest.param("giou", [(TWO[1], 0.1), (ONE[0], 0.9)], TWO, 1, id="giou: two"),
        pytest.param("giou", [(ONE[0], 1)], TWO, 1 / 1.5, id="giou: one missed"),
        pytest.param("giou", [(HALF, 0.9), (ONE[0], 0.2)], ONE, 0.75 / 1.5, id="giou: the sure one takes the object"),
        pytest.param("giou", [(ONE[0], 1), ([5, 5, 1, 1], 1)], ONE, 1 / 1.5, id="giou: inverted box"),
        pytest.param("giou", "No Objects", ONE, 0, id="giou: false negative"),
        pytest.param("giou", "[]]", ONE, 0, id="giou: malformed"),
        pytest.param("diou", [(ONE[0], 1)], ONE, 1, id="diou: perfect"),
        pytest.param("diou", [(HALF, 1)], ONE, (HALF_DIOU + 1) / 2, id="diou: half"),
        pytest.param("diou", [(LEFT, 1)], ONE, (LEFT_DIOU + 1) / 2, id="diou: touching"),
        pytest.param("ciou", [(ONE[0], 1)], ONE, 1, id="ciou: perfect"),
        pytest.param("ciou", [(HALF, 1)], ONE, (HALF_DIOU - V**2 / (0.5 + V) + 1.5) / 2.5, id="ciou: half"),
        pytest.param("ciou", [(LEFT, 1)], ONE, (LEFT_DIOU - V**2 / (1 + V) + 1.5) / 2.5, id="ciou: touching"),
        pytest.param("l1", [(ONE[0], 1)], ONE, 1, id="l1: perfect"),
        pytest.param("l1", [(HALF, 1)], ONE, 0.975, id="l1: one coordinate off by a tenth"),
        pytest.param("l1", [(HALF, 1)], TWO, 0.975 / 1.5, id="l1: one missed"),
    ],
)
def test_detection(detection_score: Any, component: str, predictions: Any, truths: list, expected: float) -> None:
    assert detection_score(component, predictions, truths) == pytest.approx(expected)


@pytest.mark.parametrize("component", ["iou", *SIMILARITIES])
def test_nothing_there(detection_score: Any, component: str) -> None:
    assert detection_score(component, "No Objects", []) == 1
    assert detection_score(component, [(AWAY, 0)], []) == 0
    assert detection_score(component, "[{", []) == 0


def test_the_threshold_of_iou_is_an_option(detection_score: Any) -> None:
    assert detection_score("iou", [(HALF, 1)], ONE, threshold=0.51) == 0
    assert detection_score("iou", [([100, 100, 300, 120], 1)], ONE, threshold=0.1) == pytest.approx(0.1)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.5, math.nan, "0.5", True, None])
def test_a_threshold_that_is_none_is_an_error(threshold: Any) -> None:
    with pytest.raises(UserError, match="'threshold' of component 'iou'"):
        load_reward({"iou": {"weight": 1, "threshold": threshold}})


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(UserError, match="giou"):
        load_reward({"giou": {"weight": 1, "threshold": 0.5}})


def test_l1_uses_the_extent_of_the_row() -> None:
    response = "<think> a </think> <answer>[{'Position': [10, 10, 20, 30], 'Confidence': 1}]</answer>"
    truth = {"boxes": [[10, 10, 20, 20]], "extent": [40, 50]}
    assert score("detection", response, truth, "l1=1")["l1"] == pytest.approx(1 - 0.2 / 4)


proper_box = st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(1, 100), st.integers(1, 100)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
confidence = st.integers(0, 100).map(lambda percent: percent / 100)
# Of equally sure boxes the order of the answer decides.
predicted = st.lists(st.tuples(proper_box, confidence), max_size=5, unique_by=lambda prediction: prediction[1])
present = st.lists(proper_box, max_size=4)
every_component = pytest.mark.parametrize("component", ["iou", *SIMILARITIES])


@every_component
@given(predictions=predicted, truths=present, order=st.randoms(use_true_random=False))
def test_bounded_and_the_order_of_the_answer_does_not_matter(
    detection_score: Any, component: str, predictions: list, truths: list, order: random.Random
) -> None:
    value = detection_score(component, predictions, truths)
    assert 0 <= value <= 1
    assert detection_score(component, order.sample(predictions, len(predictions)), truths) == pytest.approx(value)


@every_component
@given(predictions=predicted, truths=present)
def test_twice_the_scale_is_the_same(detection_score: Any, component: str, predictions: list, truths: list) -> None:
    def doubled(box: tuple) -> tuple:
        return tuple(2 * value for value in box)

    value = detection_score(component, predictions, truths)
    larger = detection_score(component, [(doubled(box), c) for box, c in predictions], [doubled(box) for box in truths])
    expected = value
    if component == "l1" and truths:  # differences are shares of a picture that does not grow
        taken = 2 * min(len(predictions), len(truths)) / (len(predictions) + len(truths))
        expected = taken - 2 * (taken - value)
    assert larger == pytest.approx(expected)


@every_component
@given(start=proper_box, truth=proper_box)
def test_it_rises_while_a_box_moves_onto_its_object(
    detection_score: Any, component: str, start: tuple, truth: tuple
) -> None:
    width, height = truth[2] - truth[0], truth[3] - truth[1]
    corners = [[(a * (4 - step) + b * step) / 4 for a, b in zip(start, truth, strict=False)] for step in range(5)]
    values = [
        detection_score(component, [([x, y, x + width, y + height], 1)], [truth], **options)
        for x, y, *_ in corners
        for options in [{"threshold": 0.1} if component == "iou" else {}]
    ]
    assert values == sorted(values) or all(b >= a - 1e-9 for a, b in zip(values, values[1:], strict=False))
    assert values[-1] == 1
