# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Counting metrics: how often the number is right, and by how much it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from verl_visual_rft.evaluation.results import ANSWER_COLUMNS, Answered, Result
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.counting.answer import CountingAnswer
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
        from verl_visual_rft.tasks.counting.metrics.measure import measure_counting

        return measure_counting(answered.scored, answered.reward)


def absolute_error(sample: Sample) -> int:
    """Return ``|answer - truth|`` in objects; of an answer that cannot be read ``max(truth, 1)``, so never 0."""
    answer, truth = sample.answer, sample.truth
    assert isinstance(answer, CountingAnswer) and isinstance(truth, CountingTruth)
    return max(truth.count, 1) if answer.count is None else abs(answer.count - truth.count)


METRICS = Metrics()
