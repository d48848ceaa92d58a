# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What answers about several categories earn: values by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.rewards.explain import explain
from verl_visual_rft.tasks import load_task, read_truth
from verl_visual_rft.tasks.findings import Finding
from verl_visual_rft.tasks.sample import make_sample

TASK = "labelled_detection"
CUP, PEN = [100, 100, 300, 300], [600, 600, 800, 800]
LOW = [100, 100, 300, 200]  # IoU 0.5 with the cup
OFF = [100, 240, 300, 440]  # IoU 3/17 with the cup
NOWHERE = [0, 900, 50, 950]


@pytest.fixture(scope="module")
def value(respond: Callable[..., str], truth: dict[str, Any]) -> Callable[..., dict[str, float]]:
    def scored(reward: Any, *objects: Any) -> dict[str, float]:
        return score(TASK, respond(*objects), truth, reward)

    return scored


@pytest.mark.parametrize(
    ("objects", "overlap", "placement"),
    [
        ([(CUP, "cup"), (PEN, "pen")], 1, 1),
        ([(PEN, "the pens"), (CUP, "Cup")], 1, 1),
        ([(LOW, "cup"), (PEN, "pen")], 1.5 / 2, 1.5 / 2),
        ([(OFF, "cup"), (PEN, "pen")], (1 + 3 / 17) / 2, (1 + 3 / 17) / 2),
        ([(CUP, "pen"), (PEN, "cup")], 0, 1),  # well placed and named wrong
        ([(CUP, "fork"), (PEN, "pen")], 1 / 2, 1),
        ([(CUP, "spoon"), (PEN, "pen")], 1 / 2, 1),  # a name that nobody asked for
        ([(NOWHERE, "cup"), (PEN, "pen")], 1 / 2, 1 / 2),  # named right and placed wrong
        ([(CUP, "cup")], 1 / 1.5, 1 / 1.5),
        ([(CUP, "cup"), (PEN, "pen"), (CUP, "cup")], 2 / 2.5, 2 / 2.5),
        ([(CUP, "cup"), (PEN, "pen"), (CUP, "pen")], 2 / 2.5, 2 / 2.5),  # a second name for the same box
        ([(CUP, "cup"), (PEN, "pen"), ([5, 5, 1, 1], "cup")], 2 / 2.5, 2 / 2.5),
        ([(LOW, "cup"), (CUP, "cup"), (PEN, "pen")], 1.5 / 2.5, 1.5 / 2.5),  # the first one has chosen
        ([(LOW, "cup", 0.1), (CUP, "cup", 0.9), (PEN, "pen", 1)], 2 / 2.5, 2 / 2.5),
        ([(CUP, "pen"), (LOW, "cup"), (PEN, "pen")], 1.5 / 2.5, 1.5 / 2.5),  # right names first
        ([], 0, 0),
    ],
)
def test_robust(value: Callable[..., dict[str, float]], objects: list[Any], overlap: float, placement: float) -> None:
    result = value("robust", *objects)
    well_formed = float(all(box[0] < box[2] for box, *_ in objects))
    assert result["iou"] == pytest.approx(overlap)
    assert result["placement"] == pytest.approx(placement)
    assert result["format"] == well_formed
    assert result["score"] == pytest.approx(2 * overlap + 0.5 * placement + 0.5 * well_formed)


def test_where_none_of_the_categories_is_there(respond: Callable[..., str], truth: dict[str, Any]) -> None:
    nothing = {**truth, "objects": []}
    assert score(TASK, respond(), nothing, "robust")["score"] == 3
    assert score(TASK, respond((CUP, "cup")), nothing, "robust")["score"] == 0.5
    for response in ("", "what?", "<think></think><answer></answer>"):
        assert score(TASK, response, nothing, "robust")["score"] == score(TASK, response, truth, "robust")["score"] == 0


@pytest.mark.parametrize(
    ("component", "objects", "expected"),
    [
        ("iou", [(LOW, "cup"), (PEN, "pen")], 0.75),
        ("iou", [(OFF, "cup"), (PEN, "pen")], 0.5),  # 3/17 is below its threshold
        ("f1", [(LOW, "cup"), (PEN, "pen")], 1),
        ("f1", [(LOW, "pen"), (PEN, "pen")], 0.5),
        ("placement", [(LOW, "pen"), (PEN, "pen")], 0.75),
        ("placement", [(OFF, "cup"), (PEN, "pen")], 0.5),
        ("naming", [(LOW, "pen"), (PEN, "pen")], 0.5),
        ("naming", [(CUP, "cup")], 1),
        ("naming", [(NOWHERE, "cup")], 0),
        ("max_iou", [(CUP, "cup"), (PEN, "pen")], 1),
        ("max_iou", [(CUP, "cup"), (PEN, "pen"), (CUP, "cup"), (CUP, "cup")], 1),  # duplicates are free
        ("max_iou", [(LOW, "cup")], 2 * 0.5 * 0.25 / 0.75),
        ("max_iou", [(LOW, "cup"), (CUP, "cup")], 2 * 0.75 * 0.5 / 1.25),
        ("max_iou", [(CUP, "pen")], 0),
        ("confidence", [(CUP, "cup", 0.8)], 2 * 0.8 - 0.64),
        ("confidence", [(CUP, "pen", 0.8)], -0.64),  # a wrong name is a miss
        ("confidence", [(CUP, "cup")], 0),
        ("confidence", [], 0),
    ],
)
def test_components(
    value: Callable[..., dict[str, float]], component: str, objects: list[Any], expected: float
) -> None:
    assert value({component: 1}, *objects)["score"] == pytest.approx(expected)


@pytest.mark.parametrize("component", ["iou", "f1", "placement", "naming", "max_iou", "confidence"])
def test_components_where_nothing_is_there(respond: Callable[..., str], truth: dict[str, Any], component: str) -> None:
    nothing = {**truth, "objects": []}
    assert score(TASK, respond(), nothing, {component: 1})["score"] == 1
    assert score(TASK, respond((CUP, "cup", 0.5)), nothing, {component: 1})["score"] <= 0


def test_a_name_costs_the_difference_of_two_components_and_a_place_both(value: Callable[..., dict[str, float]]) -> None:
    named, placed = (value("robust", (CUP, label), (PEN, "pen")) for label in ("pen", "cup"))
    assert placed["score"] - named["score"] == pytest.approx(2 * 0.5)
    missed = value("robust", (NOWHERE, "cup"), (PEN, "pen"))
    assert placed["score"] - missed["score"] == pytest.approx(2.5 * 0.5)


def test_the_tau_of_a_run_decides_what_a_hit_is(respond: Callable[..., str], truth: dict[str, Any]) -> None:
    reward = load_reward("robust")
    assert reward.follows_tau
    values = [reward(make_sample(TASK, respond((LOW, "cup")), truth, tau=tau))["iou"] for tau in (0.5, 0.6)]
    assert values == [pytest.approx(0.5 / 1.5), 0]


BOXES = [CUP, PEN, LOW, OFF, NOWHERE, [5, 5, 1, 1], None]
LABELS = ["cup", "pen", "fork", "object", "", None]


def test_scores_stay_in_range_and_are_weighted_sums(respond: Callable[..., str], truth: dict[str, Any]) -> None:
    reward = load_reward("robust")
    low, high = reward.ranges[TASK]
    for first, second in product(product(BOXES, LABELS), repeat=2):
        result = score(TASK, respond(first, second), truth, reward)
        assert low <= result["score"] <= high
        weights = reward.weights_of(TASK)
        assert result["score"] == pytest.approx(sum(weights[name] * result[name] for name in weights))
        assert result["iou"] <= result["placement"] + 1e-12


def test_the_pairs_that_score_are_reported_with_their_labels(
    respond: Callable[..., str], truth: dict[str, Any]
) -> None:
    (rule,) = explain(TASK, respond((LOW, "cup"), (CUP, "pen")), truth, "robust").rules
    given = rule.matching
    assert given.threshold == 0.1
    assert [(match.mark.label, match.truth and match.truth.label, match.quality) for match in given.matches] == [
        ("cup", "cup", pytest.approx(0.5)),
        ("pen", None, pytest.approx(1.0)),  # its best overlap is with an object of another name
    ]
    assert [mark.label for mark in given.missed] == ["pen"]
    nothing = explain(TASK, respond((CUP, "cup")), {**truth, "objects": []}, "robust").rules[0].matching
    assert [match.truth for match in nothing.matches] == [None]


@pytest.mark.parametrize(
    ("objects", "findings"),
    [
        ([(CUP, "cup"), (PEN, "pen")], set()),
        ([(CUP, "pen"), (PEN, "cup")], {Finding.WRONG_CLASS}),
        ([(CUP, "cup"), (PEN, "fork")], {Finding.WRONG_CLASS}),
        ([(OFF, "cup"), (PEN, "pen")], {Finding.BADLY_PLACED}),
        ([(CUP, "cup")], {Finding.MISSED}),
        ([(CUP, "cup"), (PEN, "pen"), (NOWHERE, "fork")], {Finding.FALSE_ALARM}),
        ([(CUP, "cup"), (PEN, "pen"), (CUP, "cup")], {Finding.FALSE_ALARM}),
    ],
)
def test_findings(
    respond: Callable[..., str], truth: dict[str, Any], objects: list[Any], findings: set[Finding]
) -> None:
    task, read = load_task(TASK), read_truth(TASK, truth)
    answer = task.parse(respond(*objects), read.extent, True)
    assert task.find(answer, read) == findings
    assert task.says(answer, read) is (not findings)
    assert task.counts(answer, read) == {"n_pred": len(objects), "n_invalid": 0, "n_truth": 2}
