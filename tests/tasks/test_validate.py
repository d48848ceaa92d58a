# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A task that breaks its contract is refused, with the clause and an example."""

from __future__ import annotations

from pathlib import Path

import pytest
from ours import OUR_TASKS
from task_package import lay_task

from verl_visual_rft.evaluation.task_contract import check_task
from verl_visual_rft.tasks.audited.random_boxes import distinct

pytestmark = pytest.mark.usefixtures("fresh_registry")


@pytest.mark.parametrize("task", OUR_TASKS)
def test_ours_keep_it(task: str) -> None:
    assert check_task(task, size=60) == []


def test_an_object_is_made_up_once() -> None:
    box, other = {"bbox_2d": (0, 0, 1000, 1000), "label": "dog"}, {"bbox_2d": (0, 0, 1000, 1000), "label": "cat"}
    assert distinct([box, other, dict(box)]) == [box, other]


def test_what_task_new_writes_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_task(lay_task(tmp_path, monkeypatch)) == []


@pytest.mark.parametrize(
    ("changes", "clause", "problem"),
    [
        ({"Is this right? {self": "Is <image> right? {self"}, "JSON line", "placeholder"),
        (
            {'.strip().lower().rstrip(".")': '.strip().lower().rstrip(".").replace("yes", "?")'},
            "a gold answer is read as the truth",
            "malformed",
        ),
        (
            {"float(answer.word == truth.right)": "float(answer.word in ('', truth.right))"},
            "the empty one nothing",
            "the empty answer",
        ),
        ({'return {"accuracy": 100 * fmean': 'return {"accuracy": 99 * fmean'}, "measure 100", "is 99.0, not 100"),
        ({"float(answer.word == truth.right)": "0.5"}, "earns all", "earns 1 of 1.5"),
        ({"(text_mark(self.right),)": '(Mark("point", ((2000, 1),)),)'}, "marks lie in the picture", "outside"),
        ({'"score": right + FORMAT': '"score": float("nan") * right + FORMAT'}, "finite", "nan"),
        ({'response("yes or no", rng)': "response(question.truth.right, rng)"}, "no cheat earns more", "both words"),
        (
            {"strata_of=lambda question: frozenset({ALL})": "strata_of=lambda question: frozenset({'odd'})"},
            "known kind",
            "odd",
        ),
        ({'raise unreadable(content, "has neither': 'return None\n            ("has neither'}, "truths are read", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], clause: str, problem: str
) -> None:
    breaches = check_task(lay_task(tmp_path, monkeypatch, changes))
    assert any(clause in breach.clause and problem in breach.problem for breach in breaches), breaches


def test_a_reward_that_does_not_score_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (breach,) = check_task(lay_task(tmp_path, monkeypatch), reward="paper")
    assert "no scorer for" in breach.problem
