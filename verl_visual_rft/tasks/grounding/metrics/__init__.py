# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Grounding metrics: IoU of boxes, and of masks where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from verl_visual_rft.boxes import iou
from verl_visual_rft.evaluation.results import ANSWER_COLUMNS, Answered, Result
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.grounding.answer import GroundingAnswer
from verl_visual_rft.tasks.grounding.truth import GroundingTruth
from verl_visual_rft.tasks.metrics import TaskMetrics


class Metrics(TaskMetrics):
    """Mean IoU and Acc@0.5 of boxes, gIoU and cIoU of masks."""

    columns = {"miou": "mIoU", "acc50": "Acc@0.5", "giou": "gIoU", "ciou": "cIoU", **ANSWER_COLUMNS}
    later = frozenset({"acc50"})
    caption = (
        "Mean IoU of boxes, share of boxes with an IoU of 0.5 or more, gIoU and cIoU of masks, in percent; an answer "
        "that cannot be read counts 0"
    )
    options = frozenset({"masks"})

    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """Mean IoU of the box."""
        overlaps = []
        for _, sample in samples:
            answer, truth = sample.answer, sample.truth
            assert isinstance(answer, GroundingAnswer) and isinstance(truth, GroundingTruth)
            overlaps.append(iou(answer.box, truth.box) if answer.box else 0.0)
        return {"miou": 100 * fmean(overlaps)}

    def measure(self, answered: Answered) -> Result:
        """IoU of boxes and masks: see `measure_grounding`."""
        from verl_visual_rft.tasks.grounding.metrics.measure import measure_grounding

        return measure_grounding(answered.scored, answered.reward, answered.parquet, answered.masks)


METRICS = Metrics()
