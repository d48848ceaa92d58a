# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""An audit of a reward: policies that cheat against an honest one of moderate quality.

A reward that pays a cheat more than honesty teaches a model to cheat, for that is what policy optimisation does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards.audit.result import AuditResult
from verl_visual_rft.rewards.audit.tournament import Contest, Standing, hold_contest
from verl_visual_rft.rewards.audit.truth_files import read_questions
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.rewards.registry import load_reward
from verl_visual_rft.rewards.reward import Reward
from verl_visual_rft.tasks import load_task, make_sample, task_names
from verl_visual_rft.tasks.audited import SKILLS, Policy, Question, audited

__all__ = ["SKILLS", "AuditResult", "Contest", "Policy", "Question", "Standing", "audit"]


def audit(
    reward: str | Mapping[str, Any],
    tasks: Sequence[str] | None = None,
    truths: Path | None = None,
    seed: int = 0,
    size: int = 300,
    think: bool = True,
    skills: Sequence[str] = ("moderate",),
) -> AuditResult:
    """Let every cheat contend with honesty for a reward.

    Progress is shown on stderr when that is a terminal.

    Args:
        reward: A name or a composition: see `load_reward`.
        tasks: Only these; all that the reward and the truths have when left out.
        truths: Questions to ask: see `read_questions`; made up when left out.
        seed: Of made-up questions, of draws from a file, and of all policies.
        size: Questions of a task, at most where they come from a file or are of a kind that the reward refuses.
        think: Whether made-up questions ask for thinking before the answer; those of a file say so themselves.
        skills: Of the honest policies: some of `SKILLS`.

    Raises:
        UserError: Unknown reward; a task that it or the truths do not have; no task in common; an unreadable file.
        RewardError: A reward of another package failed.

    Example:
        >>> result = audit("robust", tasks=["detection"], size=50)
        >>> result.beaten
        False
    """
    if size < 1:
        raise UserError(f"an audit of {size} questions says nothing; ask for at least 1")
    loaded = load_reward(reward)
    questions = _questions(loaded, tasks, truths, seed, size, think)
    made_up = "built-in truths" if think else "built-in truths, answer alone"
    source = f"{truths.name if truths else made_up}, seed {seed}"
    return AuditResult(loaded.name, source, tuple(_contests(loaded, questions, seed, skills)))


def _questions(
    reward: Reward, tasks: Sequence[str] | None, truths: Path | None, seed: int, size: int, think: bool
) -> dict[str, list[Question]]:
    asked = task_names() if tasks is None else tuple(dict.fromkeys(tasks))
    for task in asked:
        if task not in task_names():
            raise UserError(f"unknown task {task!r}: use one of {', '.join(task_names())}")
        if tasks is not None and task not in reward.scorers:
            raise UserError(f"reward {reward.name!r} cannot score {task}, only {', '.join(reward.scorers)}")
    wanted = [task for task in asked if task in reward.scorers]
    if truths is None:
        return {task: _scorable(reward, built_in(task, size, seed, think)) for task in wanted}
    read = read_questions(truths, size, seed)
    common = {task: read[task] for task in wanted if task in read}
    if not common or (tasks is not None and len(common) < len(wanted)):
        raise UserError(f"{truths} has questions of {', '.join(read)}, but {', '.join(wanted)} is asked for")
    return common


def _scorable(reward: Reward, questions: Sequence[Question]) -> list[Question]:
    """Leave out made-up questions of a kind that the reward refuses, as `reference` does any number of boxes."""
    refused: set[tuple[Any, ...]] = set()
    for form, question in {question.truth.form: question for question in questions}.items():
        try:
            reward(make_sample(question.task, "", question.ground_truth))
        except UserError:
            refused.add(form)
    return [question for question in questions if question.truth.form not in refused]


def _contests(
    reward: Reward, questions: Mapping[str, list[Question]], seed: int, skills: Sequence[str]
) -> list[Contest]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    contests = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for task, asked in questions.items():
            played = audited(load_task(task))
            unasked = () if all(question.truth.think for question in asked) else played.unasked
            blind: dict[str, list[float]] = {}
            for skill in skills:
                description = f"{reward.name}, {task}, {skill} honesty"
                cheats = progress.track(played.cheats + unasked, description=description)
                contests.append(hold_contest(reward, asked, played, cheats, seed, skill, blind))
    return contests
