# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, score

COMPONENTS = ("f1", "ap", "count", "confidence")
A, B = [100, 100, 300, 300], [600, 600, 800, 800]
HALF = [100, 100, 300, 200]  # of A: IoU 0.5
AWAY, AWAY2 = [900, 0, 1000, 100], [0, 900, 100, 1000]
INVERTED = [300, 300, 100, 100]


@pytest.mark.parametrize(
    ("predictions", "truths", "f1", "ap", "count", "confidence"),
    [
        pytest.param([(A, 1)], [A], 1, 1, 1, 1, id="perfect"),
        pytest.param([(A, 0.5)], [A], 1, 1, 1, 0.75, id="unsure of a perfect box"),
        pytest.param([(HALF, 0.5)], [A], 1, 0.1, 1, 0.25, id="half a box: a hit at IoU 0.5 only"),
        pytest.param([(A, 1)], [A, B], 2 / 3, 51 / 101, 0.5, 1, id="one of two"),
        pytest.param([(A, 1), (B, 1)], [A], 2 / 3, 1, 0.5, 0, id="one too many, equally sure, after it"),
        pytest.param([(B, 1), (A, 1)], [A], 2 / 3, 0.5, 0.5, 0, id="one too many, equally sure, before it"),
        pytest.param([(A, 0.8), (AWAY, 0.9)], [A], 2 / 3, 0.5, 0.5, (0.96 - 0.81) / 2, id="the miss ranks first"),
        pytest.param([(A, 0.9), (AWAY, 0.8)], [A], 2 / 3, 1, 0.5, (0.99 - 0.64) / 2, id="the hit ranks first"),
        pytest.param(
            [(A, 0.9), (AWAY, 0.8), (B, 0.7)],
            [A, B],
            0.8,
            (51 + 50 * 2 / 3) / 101,
            2 / 3,
            (0.99 - 0.64 + 0.91) / 3,
            id="hit, miss, hit",
        ),
        pytest.param(
            [(AWAY, 0.9), (A, 0.8), (B, 0.7)],
            [A, B],
            0.8,
            2 / 3,
            2 / 3,
            (-0.81 + 0.96 + 0.91) / 3,
            id="miss, hit, hit: precision is interpolated",
        ),
        pytest.param([(A, 0.9), (A, 0.8)], [A], 2 / 3, 1, 0.5, (0.99 - 0.64) / 2, id="duplicate"),
        pytest.param([(AWAY, 0)], [A], 0, 0, 1, 0, id="miss that claims nothing"),
        pytest.param([(A, 1), (AWAY, 1), (AWAY2, 1)], [A], 0.5, 1, 1 / 3, -1 / 3, id="sure of two misses"),
        pytest.param(
            [(A, 0.5), (INVERTED, 0.9)], [A], 2 / 3, 0.5, 0.5, (0.75 - 0.81) / 2, id="inverted box, ranked first"
        ),
        pytest.param([(A, 0.5), (INVERTED, 0.1)], [A], 2 / 3, 1, 0.5, 0.74 / 2, id="inverted box, ranked last"),
        pytest.param([(A, "NaN")], [A], 1, 1, 1, 0, id="no confidence on a hit"),
        pytest.param([(A, 0.9), (AWAY, "NaN")], [A], 2 / 3, 1, 0.5, -0.005, id="no confidence on a miss: as sure"),
        pytest.param("No Objects", [A], 0, 0, 0, 0, id="false negative"),
        pytest.param("[{", [A], 0, 0, 0, 0, id="malformed"),
        pytest.param("No Objects", [], 1, 1, 1, 1, id="true negative"),
        pytest.param([(A, 0)], [], 0, 0, 0, 0, id="false alarm that claims nothing"),
        pytest.param([(A, 0.8), (B, 0)], [], 0, 0, 0, -0.32, id="false alarm"),
        pytest.param([(HALF, "NaN"), (B, 0)], [A], 2 / 3, 0.05, 0.5, 0, id="no confidence on half a hit: ranks last"),
        pytest.param("[{", [], 0, 0, 0, 0, id="malformed, nothing there"),
    ],
)
def test_components(
    detection_score: Any, predictions: Any, truths: list, f1: float, ap: float, count: float, confidence: float
) -> None:
    values = [detection_score(component, predictions, truths) for component in COMPONENTS]
    assert values == pytest.approx([f1, ap, count, confidence])


def test_thresholds_are_options(detection_score: Any) -> None:
    assert detection_score("f1", [(HALF, 1)], [A], threshold=0.51) == 0
    assert detection_score("confidence", [(HALF, 0.5)], [A], threshold=0.51) == -0.25
    quarter = [100, 100, 300, 150]
    assert detection_score("f1", [(quarter, 1)], [A], threshold=0.25) == 1
    assert detection_score("confidence", [(quarter, 0.25)], [A]) == pytest.approx(0.0625)


@pytest.mark.parametrize("component", ["f1", "confidence"])
def test_a_threshold_that_is_none_is_an_error(component: str) -> None:
    with pytest.raises(UserError, match=f"'threshold' of component '{component}'"):
        load_reward({component: {"weight": 1, "threshold": 2}})


def coco_ap(predictions: list, truths: list) -> float:
    """AP of one picture and category by pycocotools."""
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")

    def xywh(box: Any) -> list[float]:
        return [box[0], box[1], box[2] - box[0], box[3] - box[1]]

    truth = coco.COCO()
    common = {"image_id": 1, "category_id": 1, "iscrowd": 0}
    truth.dataset = {
        "info": {},
        "images": [{"id": 1, "width": 1000, "height": 1000}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": i, "bbox": xywh(box), "area": (box[2] - box[0]) * (box[3] - box[1]), **common}
            for i, box in enumerate(truths, start=1)
        ],
    }
    truth.createIndex()
    answers = truth.loadRes(
        [{"image_id": 1, "category_id": 1, "bbox": xywh(box), "score": score} for box, score in predictions]
    )
    evaluation = cocoeval.COCOeval(truth, answers, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    return float(evaluation.eval["precision"][:, :, 0, 0, -1].mean())


def noisy(rng: random.Random, n_truth: int, n_pred: int) -> tuple[list, list]:
    """Boxes near the truths and far from them; confidences are often equal."""
    truths, predictions = [], []
    for _ in range(n_truth):
        x, y, width, height = (rng.uniform(*limits) for limits in ((0, 700), (0, 700), (50, 200), (50, 200)))
        truths.append([x, y, x + width, y + height])
    for _ in range(n_pred):
        box = rng.choice(truths)
        shift = rng.choice([1, 5, 20, 200])
        x1, y1 = (max(0, value + rng.uniform(-shift, shift)) for value in box[:2])
        x2, y2 = (min(1000, value + rng.uniform(-shift, shift)) for value in box[2:])
        predictions.append(([x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)], round(rng.random(), 1)))
    return predictions, truths


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("n_truth", "n_pred"), [(1, 1), (2, 3), (7, 12), (25, 40), (60, 160)])
def test_ap_is_that_of_pycocotools(
    detection_score: Any, n_truth: int, n_pred: int, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, truths = noisy(random.Random(seed), n_truth, n_pred)
    assert detection_score("ap", predictions, truths) == pytest.approx(coco_ap(predictions, truths), abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_ap_is_that_of_pycocotools_where_overlaps_and_confidences_are_equal(
    detection_score: Any, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(seed)

    def box() -> list[int]:
        x, y = rng.randrange(0, 12, 2), rng.randrange(0, 4, 2)
        return [x, y, x + rng.choice([4, 8]), y + rng.choice([4, 8])]

    truths = [box() for _ in range(rng.randint(1, 6))]
    predictions = [(box(), rng.choice([0.2, 0.5, 0.9])) for _ in range(rng.randint(1, 12))]
    assert detection_score("ap", predictions, truths) == pytest.approx(coco_ap(predictions, truths), abs=1e-9)


def test_a_flood_after_the_last_hit_costs_ap_nothing_but_f1_and_count_much(detection_score: Any) -> None:
    flood = [(A, 1), *(([900, 0, 1000, 1 + i], 0) for i in range(99))]
    assert detection_score("ap", flood, [A]) == 1
    assert detection_score("f1", flood, [A]) < 0.02
    assert detection_score("count", flood, [A]) == 0.01


proper_box = st.tuples(st.integers(0, 390), st.integers(0, 390), st.integers(1, 100), st.integers(1, 100)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
confidence = st.integers(0, 100).map(lambda percent: percent / 100)
# Of equally sure boxes the order of the answer decides.
predicted = st.lists(st.tuples(proper_box, confidence), max_size=5, unique_by=lambda prediction: prediction[1])
present = st.lists(proper_box, max_size=4)


@pytest.mark.parametrize("component", COMPONENTS)
@given(predictions=predicted, truths=present, order=st.randoms(use_true_random=False))
def test_bounded_and_neither_order_nor_scale_matters(
    detection_score: Any, component: str, predictions: list, truths: list, order: random.Random
) -> None:
    near = [((x1, y1, x2 + 5, y2), 0.905 - i / 10) for i, (x1, y1, x2, y2) in enumerate(truths)]  # hits are common
    for answered in (predictions, near + predictions):
        value = detection_score(component, answered, truths)
        assert (-1 if component == "confidence" else 0) <= value <= 1
        shuffled = order.sample(answered, len(answered))
        assert detection_score(component, shuffled, truths) == pytest.approx(value)
        larger = [(tuple(2 * v for v in box), c) for box, c in answered]
        assert detection_score(component, larger, [[2 * v for v in box] for box in truths]) == pytest.approx(value)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(20, 200))
def test_confidence_is_best_at_the_iou(detection_score: Any, first: int, second: int, height: int) -> None:
    box = [100, 100, 300, 100 + height]
    nearer, farther = sorted((first / 100, second / 100), key=lambda c: abs(c - height / 200))
    values = [detection_score("confidence", [(box, c)], [A]) for c in (nearer, farther)]
    assert values[0] >= values[1] - 1e-12


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param("<think> a cat </think>\n<answer>No Objects</answer>\n", 1, id="no objects"),
        pytest.param("<think> a cat </think> <answer>[{'Position': [1, 2, 3, 4]}]</answer>", 0, id="repaired"),
        pytest.param("<think> a cat </think> <answer>[]]</answer>", 0, id="malformed"),
        pytest.param("<think> a cat </think> <answer>No Objects", 0, id="not closed"),
        pytest.param("<answer>No Objects</answer>", 0, id="no reasoning"),
        pytest.param("<answer>No Objects</answer> <think> a cat </think>", 0, id="wrong order"),
        pytest.param("Sure! <think> a cat </think> <answer>No Objects</answer>", 0, id="text before"),
        pytest.param("", 0, id="empty"),
    ],
)
def test_format_of_detection_answers(response: str, expected: float) -> None:
    assert score("detection", response, {"boxes": [[1, 2, 3, 4]]}, "format")["score"] == expected
