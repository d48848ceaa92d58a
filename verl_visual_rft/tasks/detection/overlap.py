# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components that say how well boxes lie on objects; N is the mean of the numbers of predictions and truths."""

from __future__ import annotations

from verl_visual_rft.boxes import ciou_similarity, diou_similarity, giou_similarity, l1_similarity
from verl_visual_rft.tasks.detection.answer import DetectionAnswer
from verl_visual_rft.tasks.detection.matching import match, mean_count, mean_similarity
from verl_visual_rft.tasks.detection.truth import DetectionTruth
from verl_visual_rft.tasks.matching import Report, says_no_objects
from verl_visual_rft.tasks.options import iou_threshold


class IoU:
    """Sum of the IoU of the hits / N.

    Pays for boxes on objects, every object once; boxes that miss, surplus boxes and missed objects lower it. Below the
    threshold nothing tells a poor box from none: a weak model sees no way up. Hard to game; where objects are large, a
    box over the whole picture earns the share that they fill.

    Args:
        threshold: Smallest IoU of a hit, in (0, 1]; a run's curriculum over tau overrides it.
    """

    range = (0.0, 1.0)

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = iou_threshold("iou", threshold)

    def __call__(
        self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None, report: Report | None = None
    ) -> float:
        """``sum_hits IoU / N``; most confident first, hits at IoU >= threshold.

        Nothing there: 1 for "No Objects", else 0.
        """
        if not truth.boxes:
            return says_no_objects(answer)
        _, matches = match(answer, truth, self.threshold if tau is None else tau, report)
        return sum(overlap for _, overlap in matches) / mean_count(answer, truth)


class GIoU:
    """Mean over N of (GIoU + 1) / 2 of the matched pairs.

    Pays for coming near, also without any overlap: a weak model sees its way from the first step on. Alone it is gamed
    by any box: one over the whole picture earns about half, one beside the object up to half. Weigh it below IoU.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: DetectionAnswer, truth: DetectionTruth) -> float:
        """``sum_pairs (GIoU + 1) / 2 / N``; most confident first, each the best free truth.

        Nothing there: 1 for "No Objects", else 0.
        """
        return mean_similarity(answer, truth, giou_similarity)


class DIoU:
    """Mean over N of (DIoU + 1) / 2 of the matched pairs.

    Pays for overlap and for coming near the centre of the object, also without overlap or inside it. Alone it is
    gamed by a box over the whole picture, which earns about half. Weigh it below IoU.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: DetectionAnswer, truth: DetectionTruth) -> float:
        """``sum_pairs (DIoU + 1) / 2 / N``; most confident first, each the best free truth.

        Nothing there: 1 for "No Objects", else 0.
        """
        return mean_similarity(answer, truth, diou_similarity)


class CIoU:
    """Mean over N of (CIoU + 1.5) / 2.5 of the matched pairs.

    Pays for overlap, for the centre and for the shape of the object. Alone it is gamed as DIoU is, and pays more for
    it: CIoU goes down to -1.5, so a box over the whole picture earns about 0.6. Weigh it below IoU.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: DetectionAnswer, truth: DetectionTruth) -> float:
        """``sum_pairs (CIoU + 1.5) / 2.5 / N``; most confident first, each the best free truth.

        Nothing there: 1 for "No Objects", else 0.
        """
        return mean_similarity(answer, truth, ciou_similarity)


class L1:
    """Mean over N of 1 - mean |difference of coordinates| / extent of the matched pairs.

    Pays for every coordinate that comes nearer, evenly over the whole picture, small object or large. Alone it is gamed
    by a box in the middle of the picture: few coordinates are far from it, it earns about 0.75.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: DetectionAnswer, truth: DetectionTruth) -> float:
        """``sum_pairs (1 - mean |difference| / extent) / N``; each the best free truth.

        Nothing there: 1 for "No Objects", else 0.
        """
        return mean_similarity(answer, truth, lambda first, second: l1_similarity(first, second, truth.extent))
