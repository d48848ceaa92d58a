# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards that a rule can verify: a response and its ground truth in, named finite numbers out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verl_visual_rft.answers import parse_detection
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import detection
from verl_visual_rft.rewards.registry import Reward, load_reward, reward_names

__all__ = ["TASKS", "Reward", "load_reward", "reward_names", "score"]

#: Tasks that can be scored.
TASKS = ("detection",)


def score(task: str, response: str, ground_truth: str | Mapping[str, Any], reward: str = "paper") -> dict[str, float]:
    """Score one response.

    Total in the response: any text gives finite numbers and nothing is raised for it. A wrong task, reward or ground
    truth is the caller's mistake and is raised, never scored as 0.

    Args:
        task: "detection".
        response: The model's whole response, special tokens left out.
        ground_truth: ``{"boxes": [[x1, y1, x2, y2], ...]}`` in the answer's coordinates (0-1000, no boxes = no
            objects) as a mapping or JSON, or a published solution string ``<answer>...</answer>``.
        reward: Name of a reward: "paper", "robust", or an entry point of the group ``verl_visual_rft.rewards``.

    Returns:
        ``score``, the total in the reward's ``range``; its components ``iou``, ``confidence`` and ``format``; the
        counts ``n_pred`` (invalid boxes included), ``n_truth``, ``n_matched`` and ``n_invalid``; and one flag
        ``outcome_*`` for each way in which reading the answer can end, 1.0 for the one it did.

    Raises:
        UserError: Unknown task or reward, or an unreadable ground truth.

    Example:
        >>> response = "<think> left </think> <answer>[{'Position': [0, 0, 100, 90], 'Confidence': 0.8}]</answer>"
        >>> result = score("detection", response, {"boxes": [[0, 0, 100, 100]]})
        >>> result["iou"], result["confidence"], result["format"], round(result["score"], 6)
        (0.9, 0.8, 1.0, 2.7)
    """
    if task not in TASKS:
        raise UserError(f"unknown task {task!r}: use one of {', '.join(TASKS)}")
    scorer = load_reward(reward)
    truths = detection.read_truth(ground_truth)
    answer = parse_detection(response)
    return {**scorer.detection(answer, truths), **detection.describe(answer, truths)}
