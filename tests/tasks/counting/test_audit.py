# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of counting's honest policy and cheats."""

from __future__ import annotations

from collections import Counter
from random import Random
from statistics import fmean

import pytest

from verl_visual_rft.rewards.audit import SKILLS, audit
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks.counting import parse_counting
from verl_visual_rft.tasks.counting.audit import AUDIT, SIGHT
from verl_visual_rft.tasks.counting.strata import STRATA


@pytest.mark.parametrize("think", [True, False])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)])
def test_no_cheat_beats_honesty_of_any_skill_under_robust(seed: int, think: bool) -> None:
    contests = audit("robust", ["counting"], seed=seed, think=think, skills=SKILLS).contests
    assert [contest.skill for contest in contests] == list(SKILLS)
    for contest in contests:
        assert [standing.policy.name for standing in contest.standings if standing.beats_honesty] == []


def test_closeness_alone_pays_less_than_honesty_for_one_number_but_much() -> None:
    (contest,) = audit("closeness=1", ["counting"]).contests
    scores = {standing.policy.name: standing.score for standing in contest.standings}
    assert 0.3 < scores["two always"] < contest.honest_score


@pytest.mark.parametrize("skill", SKILLS)
def test_the_honest_policy_is_as_good_as_it_says(skill: str) -> None:
    p_nothing, p_right, _ = SIGHT[skill]
    right: dict[bool, list[bool]] = {True: [], False: []}
    off = Counter[int]()
    for place, question in enumerate(built_in("counting", 2000, seed=1)):
        question = type(question)(**{**vars(question), "skill": skill})
        answer = parse_counting(AUDIT.honest.respond(question, Random(place)))
        assert answer.count is not None and answer.reason == ""
        right[question.truth.is_negative].append(answer.count == question.truth.count)
        if question.truth.count == 1:
            off[answer.count - 1] += 1
    assert fmean(right[True]) == pytest.approx(p_nothing, abs=0.05)
    assert fmean(right[False]) == pytest.approx(p_right, abs=0.05)
    assert off[0] > max(off[-1], off[1]), "one who knows better than what he says is not honest"


def test_made_up_questions_are_of_every_kind() -> None:
    kinds = Counter(kind for question in built_in("counting", 1000, seed=0) for kind in AUDIT.strata_of(question))
    assert set(kinds) == {"all", *STRATA} and min(kinds.values()) > 30
    assert kinds["0"] == pytest.approx(250, abs=50)
