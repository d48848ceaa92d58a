# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Counting metrics with intervals, of all questions and by the true number."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.evaluation.results import Figure, Measured, ScoredAnswer, amount, answer_statistics, mean_figure
from verl_visual_rft.tasks.counting.metrics import absolute_error
from verl_visual_rft.tasks.counting.strata import STRATA, stratum_of
from verl_visual_rft.tasks.counting.truth import CountingTruth


def measure_counting(scored: Sequence[ScoredAnswer], reward: str) -> Measured:
    """Compute the metrics of answered counting questions.

    - ``exact``: share of answers that are the true number; what cannot be read is wrong.
    - ``mae``: mean of ``|answer - truth|`` in objects, see `absolute_error`. One answer of a million outweighs all
      others: look at ``exact`` beside it.

    Args:
        scored: The answers; not empty.
        reward: Name of the reward that they were scored with.
    """
    by_stratum: dict[str, list[ScoredAnswer]] = {name: [] for name in STRATA}
    for item in scored:
        truth = item.sample.truth
        assert isinstance(truth, CountingTruth)
        by_stratum[stratum_of(truth.count)].append(item)
    return Measured(
        task="counting",
        n=len(scored),
        measured=_figures(scored),
        answers=answer_statistics(scored, reward),
        strata={name: _figures(items) for name, items in by_stratum.items() if items},
    )


def _figures(scored: Sequence[ScoredAnswer]) -> dict[str, Figure]:
    errors, images = [absolute_error(item.sample) for item in scored], [item.prediction.image_id for item in scored]
    return {"exact": mean_figure([error == 0 for error in errors], images), "mae": amount(errors, images)}
