# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Labelled detection: AP over all categories by detection's evaluator, and names told from places."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.evaluation.results import ANSWER_COLUMNS, Answered, Result
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.metrics import TaskMetrics


class Metrics(TaskMetrics):
    """AP by category and over all, F1 with and without names, and what kinds of mistakes there are."""

    columns = {
        "map": "mAP",
        "map50": "AP50",
        "map75": "AP75",
        "f1": "F1",
        "f1_any_label": "F1 any label",
        "naming": "named right",
        **ANSWER_COLUMNS,
    }
    caption = (
        "Mean AP in percent over the categories that have ground truth, boxes of equal confidence ranked by picture; "
        "F1 at IoU 0.5 over all categories together, with the names and without; the share of the boxes on an object "
        "that are named right"
    )

    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """AP and F1 in the answer's coordinates: see `quick_figures`."""
        from verl_visual_rft.tasks.labelled_detection.metrics.quick import quick_figures

        return quick_figures([sample for _, sample in samples])

    def measure(self, answered: Answered) -> Result:
        """AP against the annotations beside the parquet: see `measure_labelled`."""
        from verl_visual_rft.tasks.labelled_detection.metrics.measure import measure_labelled, read_truth

        truth = read_truth(answered.parquet.parent, answered.scored, answered.predictions)
        return measure_labelled(answered.scored, truth, answered.reward)


METRICS = Metrics()
