# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is played of each task, how a policy answers, and who wins."""

from __future__ import annotations

from random import Random

from verl_visual_rft.rewards import load_reward
from verl_visual_rft.rewards.audit import Contest
from verl_visual_rft.rewards.audit.tournament import hold_contest
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks import load_task, task_names
from verl_visual_rft.tasks.audited import Policy, audited
from verl_visual_rft.tasks.audited.question import Question

PLAYED = {task: audited(load_task(task)) for task in task_names()}
HONEST = {task: played.honest for task, played in PLAYED.items()}
CHEATS = {task: played.cheats for task, played in PLAYED.items()}


def respond(policy: Policy, question: Question, seed: int = 0) -> str:
    return policy.respond(question, Random(seed))


def cheat(task: str, name: str) -> Policy:
    return next(policy for policy in CHEATS[task] if policy.name == name)


def winners(contest: Contest) -> set[str]:
    return {standing.policy.name for standing in contest.standings if standing.beats_honesty}


def contest_of(reward: str, task: str, names: set[str], size: int = 300) -> Contest:
    cheats = [policy for policy in CHEATS[task] if policy.name in names]
    assert len(cheats) == len(names)
    return hold_contest(load_reward(reward), built_in(task, size, seed=0), PLAYED[task], cheats, seed=0)
