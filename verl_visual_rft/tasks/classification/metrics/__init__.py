# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Classification metrics: accuracy by three rules side by side."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from verl_visual_rft.evaluation.results import ANSWER_COLUMNS, Answered, Result
from verl_visual_rft.labels import names_the_class
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.classification.answer import ClassificationAnswer
from verl_visual_rft.tasks.classification.truth import ClassificationTruth
from verl_visual_rft.tasks.metrics import TaskMetrics


class Metrics(TaskMetrics):
    """Accuracy by the paper's rule, on the closed set, and by the published evaluation's rule."""

    columns = {"strict": "strict", "closed_set": "closed set", "containment": "containment", **ANSWER_COLUMNS}
    caption = (
        "Accuracy in percent by three rules: the label itself; one class of the closed set; the label contains the "
        "answer or the answer the label, as published"
    )

    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """Share of answers that name the class and no other of its closed set."""
        right = []
        for _, sample in samples:
            answer, truth = sample.answer, sample.truth
            assert isinstance(answer, ClassificationAnswer) and isinstance(truth, ClassificationTruth)
            right.append(names_the_class(answer.label, truth.label, truth.labels, truth.aliases))
        return {"accuracy": 100 * fmean(right)}

    def measure(self, answered: Answered) -> Result:
        """Accuracies, and which classes are taken for which: see `measure_classification`."""
        from verl_visual_rft.tasks.classification.metrics.measure import measure_classification

        return measure_classification(answered.scored, answered.reward)


METRICS = Metrics()
