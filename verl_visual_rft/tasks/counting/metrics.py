# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Counting metrics: how often the number is right, and by how much it is wrong, of all questions and by the number."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from verl_visual_rft.evaluation.results import (
    ANSWER_COLUMNS,
    Answered,
    Figure,
    Measured,
    Result,
    ScoredAnswer,
    amount,
    answer_statistics,
    mean_figure,
)
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.counting.answer import CountingAnswer
from verl_visual_rft.tasks.counting.strata import STRATA, stratum_of
from verl_visual_rft.tasks.counting.truth import CountingTruth
from verl_visual_rft.tasks.metrics import TaskMetrics


class Metrics(TaskMetrics):
    """Share of right numbers, and the mean absolute error."""

    columns = {"exact": "exact", "mae": "MAE", **ANSWER_COLUMNS}
    formats = {"mae": "{:.2f}"}
    caption = (
        "Share of right numbers in percent; mean absolute error in objects, where an answer that cannot be read counts "
        "as none counted, and as one too many where that is right"
    )

    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """Share of right numbers, and ``mae`` in objects."""
        errors = [absolute_error(sample) for _, sample in samples]
        return {"count_accuracy": 100 * fmean(error == 0 for error in errors), "mae": fmean(errors)}

    def measure(self, answered: Answered) -> Result:
        """Both with intervals, of all questions and by the true number: see `measure_counting`."""
        return measure_counting(answered.scored, answered.reward)


def absolute_error(sample: Sample) -> int:
    """Return ``|answer - truth|`` in objects; of an answer that cannot be read ``max(truth, 1)``, so never 0."""
    answer, truth = sample.answer, sample.truth
    assert isinstance(answer, CountingAnswer) and isinstance(truth, CountingTruth)
    return max(truth.count, 1) if answer.count is None else abs(answer.count - truth.count)


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


METRICS = Metrics()
