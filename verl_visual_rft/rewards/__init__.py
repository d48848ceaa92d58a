# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards that a rule can verify: a response and its ground truth in, named finite numbers out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verl_visual_rft.answers import Outcome
from verl_visual_rft.rewards.registry import load_reward, reward_names
from verl_visual_rft.rewards.reward import Reward
from verl_visual_rft.tasks import Sample, load_task, make_sample

__all__ = ["Reward", "Sample", "load_reward", "make_sample", "reward_names", "score"]

_OUTCOME_KEYS = {outcome: f"outcome_{outcome.value}" for outcome in Outcome}


def score(
    task: str,
    response: str,
    ground_truth: str | Mapping[str, Any],
    reward: str | Mapping[str, Any] | Reward = "robust",
    *,
    image_size: tuple[int, int] | None = None,
    extra_info: Mapping[str, Any] | None = None,
    tau: float | None = None,
) -> dict[str, float]:
    """Score one response.

    Total in the response: any text gives finite numbers and nothing is raised for it. A wrong task, reward or ground
    truth is the caller's mistake and is raised, never scored as 0.

    Args:
        task: "detection", "classification", "grounding", or another that `visual-rft task list` names.
        response: The model's whole response, special tokens left out.
        ground_truth: A mapping, its JSON text, or a published solution string: see `read_truth`.
        reward: A name, a composition such as ``"iou=1,format=0.5"``, or a loaded reward: see `load_reward`.
        image_size: ``(width, height)`` of the picture, for rewards that ask for it.
        extra_info: The row's ``extra_info``, for rewards that ask for it.
        tau: IoU from which a box is a hit, for rewards that ask for it; None: their own.

    Returns:
        ``score``, the total; the reward's components; what the task counts (boxes: ``n_pred``, invalid ones
        included, ``n_invalid``, ``n_truth``); and one flag ``outcome_*`` for each way in which
        reading the answer can end, 1.0 for the one it did.

    Raises:
        UserError: Unknown task or reward, or an unreadable ground truth.
        RewardError: A reward of another package failed.

    Example:
        >>> response = "<think> left </think> <answer>[{'Position': [0, 0, 100, 90], 'Confidence': 0.8}]</answer>"
        >>> result = score("detection", response, {"boxes": [[0, 0, 100, 100]]})
        >>> result["iou"], round(result["confidence"], 6), result["format"], round(result["score"], 6)
        (0.9, 0.8, 1.0, 2.7)
    """
    loaded = reward if isinstance(reward, Reward) else load_reward(reward)
    sample = make_sample(task, response, ground_truth, image_size=image_size, extra_info=extra_info, tau=tau)
    return {**loaded(sample), **_describe(sample)}


def _describe(sample: Sample) -> dict[str, float]:
    """Return the counts and outcome flags that are reported with every reward."""
    described: dict[str, float] = load_task(sample.task).counts(sample.answer, sample.truth)
    for outcome, key in _OUTCOME_KEYS.items():
        described[key] = 1.0 if outcome is sample.answer.outcome else 0.0
    return described
