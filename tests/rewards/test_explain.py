# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import doctest
from typing import Any

import pytest

from verl_visual_rft.rewards import TASKS, explain, score
from verl_visual_rft.rewards.explain import Match, read_formulas
from verl_visual_rft.rewards.explain import explain as explain_score

NEAR, FAR = (0.0, 0.0, 100.0, 100.0), (500.0, 500.0, 600.0, 600.0)
TRUTHS: dict[str, dict[str, Any]] = {
    "detection": {"boxes": [NEAR, FAR]},
    "classification": {"label": "rose", "labels": ["rose", "tulip"]},
    "grounding": {"box": NEAR},
}


def detection(*boxes: tuple[list[int], float]) -> str:
    listed = ", ".join(f"{{'Position': {box}, 'Confidence': {confidence}}}" for box, confidence in boxes)
    return f"<think> left </think> <answer>[{listed}]</answer>"


RESPONSES = {
    "detection": detection(([0, 0, 100, 90], 0.8)),
    "classification": "<think> red </think> <answer>rose</answer>",
    "grounding": "<think> left </think> <answer>(0,0),(100,90)</answer>",
}


def test_the_examples_in_the_docstrings_hold() -> None:
    failed, attempted = doctest.testmod(explain)
    assert attempted >= 4 and not failed


@pytest.mark.parametrize("reward", ["paper", "robust", "iou=1,format=0.5"])
@pytest.mark.parametrize("task", ["detection", "grounding"])
@pytest.mark.parametrize("response", ["", "No Objects", *RESPONSES.values()])
def test_it_explains_what_score_returns(reward: str, task: str, response: str) -> None:
    explanation = explain_score(task, response, TRUTHS[task], reward)
    result = score(task, response, TRUTHS[task], reward)
    assert explanation.total.value == result["score"]
    for component in explanation.components:
        assert component.value == result[component.name]


@pytest.mark.parametrize("reward", ["paper", "robust"])
@pytest.mark.parametrize("task", TASKS)
def test_every_component_that_is_paid_has_a_formula(reward: str, task: str) -> None:
    explanation = explain_score(task, RESPONSES[task], TRUTHS[task], reward)
    formulas = {component.name: component.formula for component in explanation.components}
    for name, formula in formulas.items():
        assert formula or name == "n_matched", f"{reward}.{task} does not explain {name!r} in its docstring"
    assert all(name in explanation.total.formula for name in formulas if name not in ("n_matched", "iou"))


def test_matches_are_by_confidence_and_what_is_missed_is_named() -> None:
    response = detection(([0, 0, 100, 80], 0.3), ([0, 0, 100, 90], 0.8), ([0, 90, 100, 80], 0.5))
    explanation = explain_score("detection", response, TRUTHS["detection"], "paper")
    assert explanation.threshold == 0.5
    assert explanation.matches == (
        Match((0.0, 0.0, 100.0, 90.0), 0.8, NEAR, 0.9),
        Match((0.0, 0.0, 100.0, 80.0), 0.3, None, 0.8),
    )
    assert explanation.missed == (FAR,)


def test_the_threshold_is_that_of_the_reward() -> None:
    response = detection(([0, 0, 100, 30], 0.3))
    for reward, threshold, hit in (("paper", 0.5, False), ("robust", 0.1, True)):
        explanation = explain_score("detection", response, TRUTHS["detection"], reward)
        assert explanation.threshold == threshold
        (match,) = explanation.matches
        assert (match.truth is not None) is hit and match.iou == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("answer", "overlaps", "missed"),
    [("(0,0),(100,90)", [0.9], 0), ("(0,0),(100,90),(0,0),(100,50)", [0.9, 0.5], 0), ("(9,9),(1,1)", [], 1)],
)
def test_grounding_shows_every_valid_box(answer: str, overlaps: list[float], missed: int) -> None:
    explanation = explain_score("grounding", f"<answer>{answer}</answer>", TRUTHS["grounding"])
    assert [match.iou for match in explanation.matches] == overlaps
    assert len(explanation.missed) == missed and explanation.threshold is None


@pytest.mark.parametrize(
    ("document", "formulas"),
    [
        ("", {}),
        ("Score it: ``score = a``.", {}),
        ("It.\n\n- ``a``: 1 if right,\n  else 0. Never more.\n\nEnd.", {"a": "1 if right, else 0"}),
        ("It.\n\n- ``b`` (Eq. 9, 10): mean of b.\n- ``c``: c.", {"b": "mean of b (Eq. 9, 10)", "c": "c"}),
        ("It.\n\n- no component;\n- ``a b``: neither;\n- ``c``: ``max(0, c)``. C is c.", {"c": "max(0, c)"}),
        ("- ``a``: All.\n\n  - ``b``: part of a\n- ``b``: itself", {"a": "All", "a.b": "part of a", "b": "itself"}),
    ],
)
def test_formulas_are_read_from_bullets(document: str, formulas: dict[str, str]) -> None:
    assert read_formulas(document) == formulas


def test_symbols_are_defined_where_the_docstring_does() -> None:
    assert (
        "c is the confidence of a box and q its IoU"
        in explain_score("detection", "", TRUTHS["detection"], "robust").definitions
    )
    assert explain_score("detection", "", TRUTHS["detection"], "iou=1,format=0.5").definitions == ""


@pytest.mark.parametrize(
    ("reward", "formula"),
    [
        ("paper", "iou + confidence + format"),
        ("iou=1,format=0.5", "1 iou + 0.5 format"),
    ],
)
def test_the_total_has_its_formula(reward: str, formula: str) -> None:
    assert explain_score("detection", "", TRUTHS["detection"], reward).total.formula == formula


def test_parts_of_a_part_keep_their_formulas() -> None:
    explanation = explain_score("detection", "", TRUTHS["detection"], "paper=1,iou=1")
    formulas = {component.name: component.formula for component in explanation.components}
    assert formulas["paper.iou"] == "sum of the IoU of the hits / number of predictions (Eq. 6)"
    assert formulas["iou"] and formulas["iou"] != formulas["paper.iou"]
