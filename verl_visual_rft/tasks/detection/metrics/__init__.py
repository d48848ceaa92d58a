# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Detection: AP by the rules of COCO and of LVIS, calibration of confidence, and what is odd about the answers.

answers ─▶ boxes in pixels ─┬─▶ average_precision (faster-coco-eval) ─────────▶ AP
                            └─▶ matching ─┬─▶ resampling (pictures redrawn) ─▶ intervals
                                          └─▶ calibration
"""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.evaluation.results import Answered, Result
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.metrics import TaskMetrics


class Metrics(TaskMetrics):
    """AP by category and group, F1 and mean IoU of questions."""

    columns = {
        "map_novel": "mAP novel",
        "map_base": "mAP base",
        "map_all": "mAP all",
        "f1": "F1",
        "reward": "mean reward",
        "mean_iou_present": "mean IoU",
        "format_rate": "format rate",
    }
    later = frozenset({"f1"})
    formats = {"mean_iou_present": "{:.2f}"}
    caption = (
        "Mean AP in percent over the categories that have ground truth; F1 at IoU 0.5 and the mean reward are over all "
        "questions, the mean IoU over those whose object is in the picture"
    )
    options = frozenset({"existence"})

    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """AP in the answer's coordinates: see `quick_ap`."""
        from verl_visual_rft.tasks.detection.metrics.quick import quick_ap

        return quick_ap(samples)

    def measure(self, answered: Answered) -> Result:
        """AP against the annotations beside the parquet, behind existence stages too: see `existence.behind`."""
        from verl_visual_rft.evaluation.existence.behind import measure_asked, measure_behind
        from verl_visual_rft.evaluation.prepared import load_truth
        from verl_visual_rft.tasks.detection.metrics.measure import require_known

        truth = load_truth(answered.parquet.parent)
        require_known([item.prediction for item in answered.scored], truth, answered.predictions)
        if answered.stage is not None:
            return measure_asked(answered.scored, truth, answered.reward, answered.stage)
        return measure_behind(answered.scored, truth, answered.reward, answered.existence)


METRICS = Metrics()
