# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest
from audited_tasks import CHEATS, HONEST, respond

from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks import task_names
from verl_visual_rft.tasks.audited import SKILLS, Policy

TASKS = task_names()

ALL = [
    pytest.param(task, policy, id=f"{task}, {policy.name}")
    for task in TASKS
    for policy in (HONEST[task], *CHEATS[task])
]


@pytest.mark.parametrize("task", TASKS)
def test_names_are_unique(task: str) -> None:
    names = [policy.name for policy in (HONEST[task], *CHEATS[task])]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("task", "policy"), ALL)
def test_a_policy_says_in_one_line_what_it_tries_and_answers_the_same_for_the_same_seed(
    task: str, policy: Policy
) -> None:
    assert policy.description
    assert "\n" not in policy.description
    for question in built_in(task, 20, seed=1):
        assert respond(policy, question) == respond(policy, question)


@pytest.mark.parametrize("task", TASKS)
def test_a_blind_policy_answers_the_same_however_well_honesty_sees(task: str) -> None:
    for question in built_in(task, 5, seed=1):
        asked = [replace(question, skill=skill) for skill in SKILLS]
        for policy in CHEATS[task]:
            if policy.blind:
                assert len({respond(policy, one) for one in asked}) == 1, policy.name
