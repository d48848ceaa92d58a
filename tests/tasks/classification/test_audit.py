# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of classification's honest policy and cheats; tests/rewards/audit/test_audit.py holds that none wins."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest
from audited_tasks import HONEST, contest_of, respond, winners
from real_truths import assert_honesty_wins, write_truths
from shared_inputs import shared

from verl_visual_rft.answers import Outcome
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks.classification import parse_classification
from verl_visual_rft.tasks.classification.audit import CLASS_NAMES


def test_the_honest_classifier_is_right_60_percent_of_the_time() -> None:
    questions = built_in("classification", 1000, seed=1)
    answers = [parse_classification(respond(HONEST["classification"], q, i)) for i, q in enumerate(questions)]
    assert all(answer.outcome is Outcome.WELL_FORMED for answer in answers)
    assert all(answer.label in question.names for answer, question in zip(answers, questions, strict=True))
    right = [answer.label == question.truth.label for answer, question in zip(answers, questions, strict=True)]
    assert fmean(right) == pytest.approx(0.6, abs=0.05)


def test_under_reference_no_class_and_every_class_beat_honesty() -> None:
    pytest.importorskip("math_verify")
    names = {"empty answer", "every name", "every name in the reasoning", "none of them", "one class always"}
    expected = {"empty answer", "every name", "every name in the reasoning"}
    contest = contest_of("reference", "classification", names)
    assert winners(contest) == expected
    assert all(standing.score == 2.0 for standing in contest.standings if standing.policy.name in expected)


@pytest.mark.parametrize(
    ("name", "won"),
    [
        ("slice of every name", True),
        ("look alikes", True),
        ("five names", True),
        ("every name", False),  # longer than a name may be
        ("every name in a comment", False),
        ("every name joined invisibly", False),
    ],
)
def test_lists_of_names_win_without_a_closed_set_under_the_first_robust_and_no_longer(name: str, won: bool) -> None:
    for reward, wins in (("robust-1", won), ("robust", False)):
        (standing,) = contest_of(reward, "classification", {name}).standings
        assert standing.leads["no closed set"].is_clear is wins
        assert not standing.leads["closed set"].is_clear


def test_made_up_classes_are_evenly_asked_and_known_to_the_policies() -> None:
    questions = built_in("classification", 1000, seed=0)
    assert {question.truth.label for question in questions} == set(CLASS_NAMES)
    assert all(question.names == tuple(sorted(CLASS_NAMES)) for question in questions)


def test_half_of_the_made_up_classes_are_without_their_closed_set() -> None:
    closed = fmean(bool(question.truth.labels) for question in built_in("classification", 1000, seed=0))
    assert closed == pytest.approx(0.5, abs=0.05)


CLASS_LISTS = ("flowers102", "pets37", "fgvc_aircraft")


@pytest.mark.parametrize("name", [*CLASS_LISTS, pytest.param("cars196", marks=pytest.mark.long)])
def test_classification_with_the_class_names_of_the_paper(tmp_path: Path, name: str) -> None:
    content = json.loads(shared(f"data/visual_rft/eval_list_{name}.json").read_text())
    labels = content["classnames"]
    truths = [{"label": labels[row[1]], "labels": labels} for row in content["rows"]]
    assert_honesty_wins(write_truths(tmp_path / "truths.jsonl", "classification", truths), "classification")
