# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Grounding metrics: IoU of boxes, and of masks where there are any; the share of answers that have every box."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from verl_visual_rft.evaluation.results import ANSWER_COLUMNS, Answered, Result
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.grounding.matching import OF_ANY_NUMBER, is_faultless, single_iou, typed
from verl_visual_rft.tasks.metrics import TaskMetrics


class Metrics(TaskMetrics):
    """Mean IoU and Acc@0.5 of single boxes, gIoU and cIoU of masks; of any number of boxes Pr@(F1=1) and N-acc."""

    columns = {
        "miou": "mIoU",
        "acc50": "Acc@0.5",
        "giou": "gIoU",
        "ciou": "cIoU",
        "pr_f1": "Pr@(F1=1)",
        "n_acc": "N-acc",
        **ANSWER_COLUMNS,
    }
    later = frozenset({"acc50", *OF_ANY_NUMBER})
    optional = frozenset(OF_ANY_NUMBER)
    caption = (
        "Mean IoU of boxes, share of boxes with an IoU of 0.5 or more, gIoU and cIoU of masks, in percent; an answer "
        "that cannot be read counts 0. Where any number of boxes may be meant these are of the questions that mean "
        "one; Pr@(F1=1) is the share with a box on all that is meant and no other, N-acc that of the instructions that "
        "mean nothing which are answered so"
    )
    options = frozenset({"masks"})

    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """Mean IoU of the questions that mean one box; of any number of boxes also the others of `measure`."""
        answers = [typed(sample) for _, sample in samples]
        values = {"miou": [single_iou(answer, truth) for answer, truth in answers if truth.box]}
        if any(truth.any_number for _, truth in answers):
            values["pr_f1"] = [is_faultless(answer, truth) for answer, truth in answers]
            values["n_acc"] = [is_faultless(answer, truth) for answer, truth in answers if truth.is_negative]
        return {name: 100 * fmean(counted) for name, counted in values.items() if counted}

    def measure(self, answered: Answered) -> Result:
        """IoU of boxes and masks, and how often every box is found: see `measure_grounding`."""
        from verl_visual_rft.tasks.grounding.metrics.measure import measure_grounding

        return measure_grounding(answered.scored, answered.reward, answered.parquet, answered.masks)


METRICS = Metrics()
