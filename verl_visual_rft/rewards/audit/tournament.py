# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The contest: every policy answers every question, and the reward says who earns most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean, stdev

from verl_visual_rft.rewards import Reward, make_sample
from verl_visual_rft.tasks.audited import AuditedTask, Policy, Question

#: Sums of floats in another order differ by less; a lead must be larger to count.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Lead:
    """By how much a cheat is ahead of honesty on one kind of questions.

    Attributes:
        mean: Of its score less that of honesty.
        error: Standard error of the mean; questions are paired.
        is_right: What the policy takes for granted is true there.
    """

    mean: float
    error: float
    is_right: bool

    @property
    def is_clear(self) -> bool:
        """Whether it is more than two standard errors above 0."""
        return self.mean > ROUNDING and not self.mean <= 2 * self.error


@dataclass(frozen=True)
class Standing:
    """How one cheat fared.

    Attributes:
        policy: The cheat.
        score: Its mean score.
        lead: Mean over questions of its score less that of honesty.
        lead_error: Standard error of the lead; questions are paired.
        leads: The same by kind of question, for the kinds that were asked.
    """

    policy: Policy
    score: float
    lead: float
    lead_error: float
    leads: Mapping[str, Lead]

    @property
    def beats_honesty(self) -> bool:
        """Whether it earns more than the honest policy in the mean, even within the error: the safe side for a gate."""
        return self.lead > ROUNDING


@dataclass(frozen=True)
class Stratum:
    """Questions of one kind: how many, and the mean score of honesty on them with its standard error."""

    n: int
    score: float
    error: float


@dataclass(frozen=True)
class Contest:
    """The outcome of one task against an honest policy of one skill.

    Attributes:
        task: Name of the task.
        skill: Of the honest policy, and of the answers that cheats spoil.
        n_questions: Answered by every policy.
        honest: The honest policy.
        honest_score: Its mean score.
        honest_error: Standard error of that.
        standings: The cheats, the one that earns most first.
        strata: The kinds of questions that were asked, in the task's order.
    """

    task: str
    skill: str
    n_questions: int
    honest: Policy
    honest_score: float
    honest_error: float
    standings: tuple[Standing, ...]
    strata: Mapping[str, Stratum]

    @property
    def beaten(self) -> bool:
        """Whether any cheat beats honesty."""
        return any(standing.beats_honesty for standing in self.standings)


def hold_contest(
    reward: Reward,
    questions: Sequence[Question],
    played: AuditedTask,
    cheats: Iterable[Policy],
    seed: int,
    skill: str = "moderate",
    blind: dict[str, list[float]] | None = None,
) -> Contest:
    """Let the policies answer the questions of one task, of which there is at least one.

    Args:
        reward: Pays them.
        questions: Of one task.
        played: What the task brings: the honest policy, and kinds of questions.
        cheats: Who contend with the honest one.
        seed: Of all policies.
        skill: How well the honest policy sees.
        blind: What blind policies earned on these questions, by name; what is new is added.

    Raises:
        UserError: The reward does not know the task.
        RewardError: A reward of another package failed.
    """
    questions = [replace(question, skill=skill) for question in questions]
    honest = played.honest
    kinds = [played.strata_of(question) for question in questions]
    places = {kind: [i for i, own in enumerate(kinds) if kind in own] for kind in played.strata}
    places = {kind: members for kind, members in places.items() if members}
    known = {} if blind is None else blind

    honest_scores = score_policy(reward, questions, honest, seed)
    standings = []
    for cheat in cheats:
        scores = known.get(cheat.name) or score_policy(reward, questions, cheat, seed)
        if cheat.blind:
            known[cheat.name] = scores
        ahead = [score - honest_score for score, honest_score in zip(scores, honest_scores, strict=True)]
        leads = {
            kind: Lead(*_mean_and_error([ahead[place] for place in members]), kind in cheat.right_in)
            for kind, members in places.items()
        }
        standings.append(Standing(cheat, fmean(scores), *_mean_and_error(ahead), leads))
    standings.sort(key=lambda standing: standing.lead, reverse=True)
    return Contest(
        task=questions[0].task,
        skill=skill,
        n_questions=len(questions),
        honest=honest,
        honest_score=fmean(honest_scores),
        honest_error=standard_error(honest_scores),
        standings=tuple(standings),
        strata={
            kind: Stratum(len(members), *_mean_and_error([honest_scores[place] for place in members]))
            for kind, members in places.items()
        },
    )


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    return fmean(values), standard_error(values)


def score_policy(reward: Reward, questions: Sequence[Question], policy: Policy, seed: int) -> list[float]:
    """Return a policy's score on each question.

    Its random numbers depend on the seed and the question's place alone, hence are common to all policies.
    """
    scores = []
    for place, question in enumerate(questions):
        response = policy.respond(question, Random(f"answer {seed} {place}"))
        scores.append(reward(make_sample(question.task, response, question.ground_truth))["score"])
    return scores


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of a mean; NaN for a single value."""
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
