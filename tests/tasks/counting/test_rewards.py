# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of what an answer to a counting question earns, by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.prompts import with_thinking
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.tasks import load_task, read_truth
from verl_visual_rft.tasks.findings import Finding

THOUGHT = "I look from left to right."
#: Format alone is worth this.
FORM = 0.5


def said(text: object) -> str:
    return with_thinking(f"<answer>{text}</answer>", THOUGHT)


@pytest.mark.parametrize(
    ("text", "count", "exact", "closeness", "form"),
    [
        (4, 4, 1, 1, 1),
        (3, 4, 0, 3 / 4, 1),
        (5, 4, 0, 4 / 5, 1),
        (8, 4, 0, 1 / 2, 1),
        (2, 4, 0, 1 / 2, 1),
        (0, 4, 0, 0, 1),
        (400, 4, 0, 1 / 100, 1),
        (0, 0, 1, 1, 1),
        ("No Objects", 0, 1, 1, 1),
        ("none", 0, 1, 1, 1),
        (1, 0, 0, 0, 1),
        ("four cats", 4, 1, 1, 0),
        ("zero", 0, 1, 1, 0),
        ("4 or 5", 4, 0, 0, 0),
        ("at least 4", 4, 0, 0, 0),
        ("", 0, 0, 0, 0),
        ("", 4, 0, 0, 0),
    ],
)
def test_robust_by_hand(text: object, count: int, exact: float, closeness: float, form: float) -> None:
    result = score("counting", said(text), {"count": count})
    assert {name: result[name] for name in ("exact", "closeness", "format")} == {
        "exact": exact,
        "closeness": pytest.approx(closeness),
        "format": form,
    }
    assert result["score"] == pytest.approx(2 * exact + 0.5 * closeness + FORM * form)
    composed = score("counting", said(text), {"count": count}, "exact=1,closeness=1")
    assert composed["score"] == pytest.approx(exact + closeness)


@pytest.mark.parametrize("count", [0, 1, 7, 1200])
@pytest.mark.parametrize("think", [True, False])
def test_the_gold_answer_earns_all_and_an_empty_one_the_floor(count: int, think: bool) -> None:
    truth = {"count": count, "think": think}
    low, high = load_reward("robust").ranges["counting"]
    gold = read_truth("counting", truth).solution
    assert score("counting", with_thinking(gold, THOUGHT) if think else gold, truth)["score"] == high == 3
    for empty in ("", "<answer></answer>", said("")):
        assert score("counting", empty, truth)["score"] == low == 0


@given(text=st.text(max_size=30) | st.integers(-5, 10**12).map(str), count=st.integers(0, 10**6))
def test_any_answer_earns_within_the_range(text: str, count: int) -> None:
    for name in ("robust", "exact", "closeness"):
        low, high = load_reward(name).ranges["counting"]
        value = score("counting", said(text), {"count": count}, name)["score"]
        assert math.isfinite(value) and low <= value <= high


@pytest.mark.parametrize(("q", "c", "p"), [(1.0, 1.0, 0.5), (0.6, 0.8, 0.39), (0.3, 0.6, 0.26)])
def test_zero_pays_from_the_probability_that_the_reward_states(q: float, c: float, p: float) -> None:
    def worth(answer: int) -> float:
        """Of an answer: nothing is there, or the best other number is right (5) or off by what makes c the mean."""
        of_nothing = score("counting", said(answer), {"count": 0})["score"] - FORM
        if answer == 0:
            return p * of_nothing
        right = score("counting", said(answer), {"count": answer})["score"] - FORM
        return p * of_nothing + (1 - p) * (q * right + 0.5 * (c - q))

    assert worth(0) == pytest.approx(worth(5), abs=0.03)


@pytest.mark.parametrize(
    ("text", "findings"), [("4", set()), ("3", {Finding.MISSED}), ("5", {Finding.FALSE_ALARM}), ("?", set())]
)
def test_findings(text: str, findings: set[Finding]) -> None:
    task, truth = load_task("counting"), read_truth("counting", {"count": 4})
    answer = task.parse(said(text), truth.extent, True)
    assert task.find(answer, truth) == findings
    assert task.says(answer, truth) == (text == "4")
    assert not task.says(task.parse(said("four"), truth.extent, True), truth)
