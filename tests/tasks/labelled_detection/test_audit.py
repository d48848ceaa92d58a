# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""No cheat at labelled detection beats honesty; without one-to-one matching some do."""

from __future__ import annotations

from random import Random

import pytest

from verl_visual_rft.rewards import load_reward
from verl_visual_rft.rewards.audit import SKILLS, audit
from verl_visual_rft.rewards.audit.tournament import hold_contest
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.audited import audited
from verl_visual_rft.tasks.labelled_detection import parse_labelled

TASK = "labelled_detection"
PLAYED = audited(load_task(TASK))


@pytest.mark.parametrize("think", [True, pytest.param(False, marks=pytest.mark.long)])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)])
def test_no_cheat_beats_honesty_under_robust(seed: int, think: bool) -> None:
    (contest,) = audit("robust", [TASK], seed=seed, think=think, size=150).contests
    assert len(contest.standings) == len(PLAYED.cheats) + (0 if think else len(PLAYED.unasked))
    assert [standing.policy.name for standing in contest.standings if standing.beats_honesty] == []


def test_without_matching_second_guesses_win_and_duplicates_are_free() -> None:
    cheats = [c for c in PLAYED.cheats if c.name in {"duplicates", "jittered duplicates", "concentric boxes"}]
    leads = {}
    for reward in ("max_iou=1", "robust"):
        contest = hold_contest(load_reward(reward), built_in(TASK, 200, seed=0), PLAYED, cheats, seed=0)
        leads[reward] = {standing.policy.name: standing.lead for standing in contest.standings}
    assert leads["max_iou=1"]["duplicates"] == pytest.approx(0, abs=1e-9)
    assert min(leads["max_iou=1"][name] for name in ("jittered duplicates", "concentric boxes")) > 0.001
    assert max(leads["robust"].values()) < -0.2


def test_honesty_earns_more_the_better_it_sees() -> None:
    contests = audit("robust", [TASK], size=60, skills=SKILLS).contests
    weak, moderate, strong = (contest.honest_score for contest in contests)
    assert weak < moderate - 0.1 < strong - 0.2


def test_policies_are_as_they_say() -> None:
    names = [policy.name for policy in (PLAYED.honest, *PLAYED.cheats)]
    assert len({*names}) == len(names)
    for place, question in enumerate(built_in(TASK, 10, seed=1)):
        for policy in (PLAYED.honest, *PLAYED.cheats):
            response = policy.respond(question, Random(place))
            assert response == policy.respond(question, Random(place))
        honest = parse_labelled(PLAYED.honest.respond(question, Random(place)))
        assert not honest.reason and {box.label for box in honest.objects} <= {*question.truth.names}


def test_kinds_of_questions_make_up_all() -> None:
    kinds = [PLAYED.strata_of(question) for question in built_in(TASK, 200, seed=0)]
    assert all("all" in kind and ("no object" in kind) is ("with objects" not in kind) for kind in kinds)
    assert {*PLAYED.strata} == set().union(*kinds)
