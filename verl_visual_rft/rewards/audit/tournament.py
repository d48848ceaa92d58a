# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The contest: every policy answers every question, and the reward says who earns most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean, stdev

from verl_visual_rft.rewards import Reward, make_sample
from verl_visual_rft.rewards.audit.policies import Policy
from verl_visual_rft.rewards.audit.truth_sets import Question

#: Sums of floats in another order differ by less; a lead must be larger to count.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Standing:
    """How one cheat fared.

    Attributes:
        policy: The cheat.
        score: Its mean score.
        lead: Mean over questions of its score less that of honesty.
        lead_error: Standard error of the lead; questions are paired.
    """

    policy: Policy
    score: float
    lead: float
    lead_error: float

    @property
    def beats_honesty(self) -> bool:
        """Whether it earns more than the honest policy in the mean, even within the error: the safe side for a gate."""
        return self.lead > ROUNDING


@dataclass(frozen=True)
class Contest:
    """The outcome of one task.

    Attributes:
        task: "detection", "classification" or "grounding".
        n_questions: Answered by every policy.
        honest: The honest policy.
        honest_score: Its mean score.
        honest_error: Standard error of that.
        standings: The cheats, the one that earns most first.
    """

    task: str
    n_questions: int
    honest: Policy
    honest_score: float
    honest_error: float
    standings: tuple[Standing, ...]

    @property
    def beaten(self) -> bool:
        """Whether any cheat beats honesty."""
        return any(standing.beats_honesty for standing in self.standings)


def hold_contest(
    reward: Reward, questions: Sequence[Question], honest: Policy, cheats: Iterable[Policy], seed: int
) -> Contest:
    """Let the policies answer the questions of one task, of which there is at least one.

    Raises:
        UserError: The reward does not know the task.
        RewardError: A reward of another package failed.
    """
    honest_scores = score_policy(reward, questions, honest, seed)
    standings = []
    for cheat in cheats:
        scores = score_policy(reward, questions, cheat, seed)
        leads = [score - honest_score for score, honest_score in zip(scores, honest_scores, strict=True)]
        standings.append(Standing(cheat, fmean(scores), fmean(leads), standard_error(leads)))
    standings.sort(key=lambda standing: standing.lead, reverse=True)
    return Contest(
        task=questions[0].task,
        n_questions=len(questions),
        honest=honest,
        honest_score=fmean(honest_scores),
        honest_error=standard_error(honest_scores),
        standings=tuple(standings),
    )


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
