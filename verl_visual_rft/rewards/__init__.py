# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards that a rule can verify: a response and its ground truth in, named finite numbers out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from verl_visual_rft.answers import Answer, Outcome, parse_classification, parse_detection, parse_grounding
from verl_visual_rft.rewards.registry import load_reward, reward_names
from verl_visual_rft.rewards.reward import Reward
from verl_visual_rft.rewards.sample import Sample
from verl_visual_rft.truths import TASKS, ClassificationTruth, DetectionTruth, GroundingTruth, Truth, read_truth

__all__ = ["TASKS", "Reward", "Sample", "load_reward", "make_sample", "reward_names", "score"]

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
        task: "detection", "classification" or "grounding".
        response: The model's whole response, special tokens left out.
        ground_truth: A mapping, its JSON text, or a published solution string: see `read_truth`.
        reward: A name, a composition such as ``"iou=1,format=0.5"``, or a loaded reward: see `load_reward`.
        image_size: ``(width, height)`` of the picture, for rewards that ask for it.
        extra_info: The row's ``extra_info``, for rewards that ask for it.
        tau: IoU from which a box is a hit, for rewards that ask for it; None: their own.

    Returns:
        ``score``, the total; the reward's components; for detection and grounding the counts ``n_pred`` (invalid
        boxes included) and ``n_invalid``, for detection ``n_truth``; and one flag ``outcome_*`` for each way in which
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


def make_sample(
    task: str,
    response: str,
    ground_truth: str | Mapping[str, Any],
    *,
    image_size: tuple[int, int] | None = None,
    extra_info: Mapping[str, Any] | None = None,
    tau: float | None = None,
) -> Sample:
    """Parse a response and its ground truth; arguments and errors are those of `score`."""
    truth = read_truth(task, ground_truth)
    return Sample(task, response, _parse(response, truth), truth, ground_truth, image_size, extra_info or {}, tau)


#: Rollouts of one prompt are often the same text, and so are the answers of a policy that the audit asks.
_parse_detection = lru_cache(maxsize=128)(parse_detection)


def _parse(response: str, truth: Truth) -> Answer:
    if isinstance(truth, DetectionTruth):
        return _parse_detection(response, truth.extent, truth.think)
    if isinstance(truth, GroundingTruth):
        return parse_grounding(response, truth.extent, truth.think)
    return parse_classification(response, truth.think)


def _describe(sample: Sample) -> dict[str, float]:
    """Return the counts and outcome flags that are reported with every reward."""
    answer: Any = sample.answer
    described: dict[str, float] = {}
    if not isinstance(sample.truth, ClassificationTruth):
        described["n_pred"] = float(answer.n_boxes)
        described["n_invalid"] = float(answer.invalid)
    if isinstance(sample.truth, DetectionTruth):
        described["n_truth"] = float(len(sample.truth.boxes))
    for outcome, key in _OUTCOME_KEYS.items():
        described[key] = 1.0 if outcome is answer.outcome else 0.0
    return described
