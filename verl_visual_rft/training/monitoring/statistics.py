# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of one training step that veRL does not log."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# How the reward manager flags the outcome of reading an answer: `verl_visual_rft.rewards.score`.
_OUTCOME = "outcome_"


def component_statistics(infos: Iterable[Mapping[str, Any]], groups: Iterable[str]) -> dict[str, float]:
    """Mean and spread of every numeric reward component over the responses of one step.

    Args:
        infos: ``reward_extra_info`` of each response.
        groups: The prompt each response belongs to (veRL's uid).

    Returns:
        ``reward/<component>/mean`` and ``/std`` (population) for each component; ``parse/<outcome>``, the share of the
        responses whose answer was read with that outcome (`verl_visual_rft.answers.Outcome`); and
        ``group/zero_std_frac``: the share of groups whose scores are all equal and so teach nothing.

    Example:
        >>> component_statistics([{"score": 1.0}, {"score": 0.0}], ["a", "a"])["reward/score/mean"]
        0.5
    """
    values: dict[str, list[float]] = defaultdict(list)
    scores: dict[str, list[float]] = defaultdict(list)
    for info, group in zip(infos, groups, strict=True):
        for name, value in info.items():
            if isinstance(value, (bool, int, float)) and math.isfinite(value):
                values[name].append(float(value))
        if "score" in info:
            scores[group].append(float(info["score"]))
    metrics = {}
    for name, column in values.items():
        if name.startswith(_OUTCOME):
            metrics[f"parse/{name.removeprefix(_OUTCOME)}"] = statistics.fmean(column)
            continue
        metrics[f"reward/{name}/mean"] = statistics.fmean(column)
        metrics[f"reward/{name}/std"] = statistics.pstdev(column)
    if scores:
        metrics["group/zero_std_frac"] = sum(max(s) == min(s) for s in scores.values()) / len(scores)
    return metrics


def truncated_share(lengths: Sequence[int], most: int) -> float:
    """Share of the responses that ended at the limit of ``most`` tokens: cut, or just as long.

    veRL's ``response_length/clip_ratio`` is another figure: the share that is as long as the longest response of the
    batch (verl 0.9.1 ``metric_utils.py:460``, where ``responses`` is padded to that), and so never 0.

    Example:
        >>> truncated_share([10, 64, 64, 20], 64)
        0.5
    """
    return sum(length >= most for length in lengths) / len(lengths) if lengths else 0.0
