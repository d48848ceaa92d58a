# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import pytest
from reward_package import write_package

from verl_visual_rft.rewards import explain, score
from verl_visual_rft.rewards.explain import explain as explain_score
from verl_visual_rft.rewards.explain import read_formulas
from verl_visual_rft.tasks.marks import box_mark
from verl_visual_rft.tasks.matching import Match

TASKS = ("detection", "classification", "grounding")

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
    ((parts, matching),) = ((rule.parts, rule.matching) for rule in explanation.rules)
    assert (matching.threshold, parts) == (0.5, ("paper",))
    assert matching.matches == (
        Match(box_mark((0.0, 0.0, 100.0, 90.0), confidence=0.8), box_mark(NEAR), 0.9),
        Match(box_mark((0.0, 0.0, 100.0, 80.0), confidence=0.3), None, 0.8),
    )
    assert matching.missed == (box_mark(FAR),)


@pytest.mark.parametrize(
    ("reward", "rules"),
    [
        ("paper", {0.5: ("paper",)}),
        ("robust", {0.1: ("robust",)}),
        ("robust-1", {0.1: ("robust-1",)}),
        ("iou", {0.5: ("iou",)}),
        ({"f1": {"weight": 1, "threshold": 0.7}, "format": 1}, {0.7: ("f1",)}),
        ({"iou": 1, "confidence": 0.5, "f1": 1, "ap": 1}, {0.5: ("iou", "f1"), 0.1: ("confidence",)}),
        ("giou=1,count=1", {None: ()}),
    ],
)
@pytest.mark.parametrize("height", [9, 10, 30, 50, 69, 70, 100])
def test_the_matches_are_by_the_rule_of_the_reward(reward: Any, rules: dict, height: int) -> None:
    response = detection(([0, 0, 100, height], 0.3))
    explanation = explain_score("detection", response, TRUTHS["detection"], reward)
    assert {rule.matching.threshold: rule.parts for rule in explanation.rules} == rules
    for parts, matching in ((rule.parts, rule.matching) for rule in explanation.rules):
        (match,) = matching.matches
        assert (match.truth is not None) is (height / 100 >= (matching.threshold or 0))
        assert match.quality == pytest.approx(height / 100)
        scored = {component.name: component.value for component in explanation.components}
        for part in {"iou", "f1"}.intersection(parts, scored):
            assert (scored[part] > 0) is (match.truth is not None)


def test_a_hit_of_the_reference_overlaps_by_more_than_its_threshold() -> None:
    pytest.importorskip("math_verify")
    for height, hit in ((50, False), (51, True)):
        response = detection(([0, 0, 100, height], 0.3))
        explanation = explain_score("detection", response, TRUTHS["detection"], {"reference": 1})
        (rule,) = explanation.rules
        assert (rule.matching.matches[0].truth is not None) is hit


@pytest.mark.parametrize("reward", ["paper", "robust", "f1", "iou", "ap", "confidence"])
def test_equally_sure_boxes_are_matched_in_the_order_of_the_answer_as_the_score_is(reward: str) -> None:
    """A perfect box that is written first is no miss because a looser one stands left of it."""
    perfect, loose = ([100, 0, 200, 100], 0.5), ([90, 0, 190, 100], 0.5)
    truth = {"boxes": [[100, 0, 200, 100]]}
    scores = []
    for first, second in ((perfect, loose), (loose, perfect)):
        explanation = explain_score("detection", detection(first, second), truth, reward)
        scores.append(explanation.total.value)
        assert [match.mark.box[0] for match in explanation.rules[0].matching.matches] == [first[0][0], second[0][0]]
        assert [match.truth is not None for match in explanation.rules[0].matching.matches] == [True, False]
    assert scores[0] > scores[1] or reward == "f1"


@pytest.mark.parametrize(
    ("answer", "overlaps", "missed"),
    [("(0,0),(100,90)", [0.9], 0), ("(0,0),(100,90),(0,0),(100,50)", [0.9, 0.5], 0), ("(9,9),(1,1)", [], 1)],
)
def test_grounding_shows_every_valid_box(answer: str, overlaps: list[float], missed: int) -> None:
    (rule,) = explain_score("grounding", f"<answer>{answer}</answer>", TRUTHS["grounding"]).rules
    matching = rule.matching
    assert [match.quality for match in matching.matches] == overlaps
    assert len(matching.missed) == missed and matching.threshold is None


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


@pytest.mark.usefixtures("fresh_registry")
def test_a_part_of_another_package_that_documents_its_class_alone_has_a_formula(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = 'class whatever:\n    """Pays 1, whatever is said."""\n    def detection(self):\n        return 1.0\n'
    monkeypatch.syspath_prepend(write_package(tmp_path / "site", "whatever_of_tests", source, "whatever"))
    for reward in ("iou=1,whatever=0.5", "whatever=1"):
        explanation = explain_score("detection", "", TRUTHS["detection"], reward)
        formulas = {component.name: component.formula for component in explanation.components}
        assert formulas["whatever"] == "Pays 1, whatever is said"
    assert explain_score("detection", "", TRUTHS["detection"], "whatever").total.formula == "Pays 1, whatever is said"


def test_parts_of_a_part_keep_their_formulas() -> None:
    explanation = explain_score("detection", "", TRUTHS["detection"], "paper=1,iou=1")
    formulas = {component.name: component.formula for component in explanation.components}
    assert formulas["paper.iou"] == "sum of the IoU of the hits / number of predictions (Eq. 6)"
    assert formulas["iou"] and formulas["iou"] != formulas["paper.iou"]
