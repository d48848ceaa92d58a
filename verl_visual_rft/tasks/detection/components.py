# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components of detection that look at the answer as a set: hits and misses, ranking, number and confidence."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.boxes import match_greedy
from verl_visual_rft.tasks.detection import Detection, DetectionAnswer, DetectionTruth
from verl_visual_rft.tasks.detection.matching import match, ranked
from verl_visual_rft.tasks.matching import Report, says_no_objects
from verl_visual_rft.tasks.options import iou_threshold

#: COCO's evaluation looks at so many boxes of a picture, the most confident ones.
MAX_DETECTIONS = 100

_COCO_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))
_COCO_RECALLS = tuple(percent * 0.01 for percent in range(101))  # rounded as `numpy.linspace` does
_NO_BOX = (0.0, 0.0, 0.0, 0.0)  # matches nothing


class F1:
    """2 hits / (predictions + truths): the harmonic mean of precision and recall at one IoU.

    Pays for finding every object once and answering no other box, however loose the boxes are above the threshold:
    alone it teaches boxes that just reach it.

    Args:
        threshold: Smallest IoU of a hit, in (0, 1]; a run's curriculum over tau overrides it.
    """

    range = (0.0, 1.0)

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = iou_threshold("f1", threshold)

    def __call__(
        self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None, report: Report | None = None
    ) -> float:
        """``2 hits / (predictions + truths)``; most confident first, hits at IoU >= threshold.

        Nothing there: 1 for "No Objects", else 0.
        """
        if not truth.boxes:
            return says_no_objects(answer)
        _, matches = match(answer, truth, self.threshold if tau is None else tau, report)
        return 2 * sum(place is not None for place, _ in matches) / (answer.n_boxes + len(truth.boxes))


class AP:
    """COCO's average precision of one response: mean over IoU 0.50, 0.55, ..., 0.95 and 101 recall points.

    Pays for what the benchmark measures: good boxes ranked first. Alone it is gamed by floods: what ranks after the
    last hit costs nothing, so guessing more boxes at low confidence can only win. Give it with `Count` or `F1`.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: DetectionAnswer, truth: DetectionTruth) -> float:
        """``mean_t 1/101 sum_r max precision at recall >= r`` of the 100 most confident boxes, t = 0.50, ..., 0.95.

        Nothing there: 1 for "No Objects", else 0.
        """
        if not truth.boxes:
            return says_no_objects(answer)
        invalid = (Detection(_NO_BOX, confidence) for confidence in answer.invalid_confidences)
        considered = ranked([*answer.detections, *invalid])[:MAX_DETECTIONS]
        precisions = (
            _interpolated_precision(_hits(considered, truth, threshold), len(truth.boxes))
            for threshold in _COCO_THRESHOLDS
        )
        return sum(precisions) / len(_COCO_THRESHOLDS)


class Count:
    """1 - |predictions - truths| / max(predictions, truths).

    Pays for answering as many boxes as there are objects, wherever they are. Alone it is gamed by any boxes of the
    right number; it is meant to hold other components back from floods.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: DetectionAnswer, truth: DetectionTruth) -> float:
        """``1 - |predictions - truths| / max(predictions, truths)``.

        Nothing there: 1 for "No Objects", else 0.
        """
        if not truth.boxes:
            return says_no_objects(answer)
        return min(answer.n_boxes, len(truth.boxes)) / max(answer.n_boxes, len(truth.boxes))


class Confidence:
    """Mean over the answer's boxes of 2 c q - c^2: c the confidence, q the IoU of a hit, 0 of a miss.

    A proper scoring rule: it pays most for c = E[q], what the box can be expected to be worth, whatever the mixture of
    questions, so boxes rank by quality across pictures. It does not count missed objects, and alone it is gamed by the
    one box that is surest; give it with `IoU` or `F1`.

    Args:
        threshold: Smallest IoU of a hit, in (0, 1]; low, since the confidence of a poor box should be low, not 0.
    """

    range = (-1.0, 1.0)

    def __init__(self, threshold: float = 0.1) -> None:
        self.threshold = iou_threshold("confidence", threshold)

    def __call__(self, answer: DetectionAnswer, truth: DetectionTruth, report: Report | None = None) -> float:
        """``mean_boxes (2 c q - c^2)``, q the IoU of a hit and 0 of a miss.

        Most confident first, hits at IoU >= threshold. No box: 1 for "No Objects" where nothing is there, else 0.
        """
        if not answer.n_boxes:
            return 0.0 if truth.boxes else says_no_objects(answer)
        detections, matches = match(answer, truth, self.threshold, report)
        return confidence_score(detections, matches, answer.invalid_confidences)


def confidence_score(
    detections: Sequence[Detection],
    matches: Sequence[tuple[int | None, float]],
    invalid_confidences: Sequence[float | None],
) -> float:
    """Return the mean over boxes of ``2 c q - c^2``, q the IoU of a hit and 0 of a miss.

    A box that is not valid is a miss. A confidence that is missing or not valid counts as the one that is worst for its
    box: 0 or 1 on a hit, 1 on a miss.

    Args:
        detections: Valid boxes.
        matches: What `match_greedy` says of each.
        invalid_confidences: Confidences of the boxes that are not valid. There is at least one box of either kind.

    Returns:
        In [-1, 1].
    """
    total = 0.0
    for (_, confidence), (_, quality) in zip(detections, matches, strict=True):
        if confidence is None:
            total += min(0.0, 2 * quality - 1)
        else:
            total += confidence * (2 * quality - confidence)
    for confidence in invalid_confidences:
        total -= 1.0 if confidence is None else confidence**2
    return total / (len(detections) + len(invalid_confidences))


def _hits(detections: Sequence[Detection], truth: DetectionTruth, threshold: float) -> list[bool]:
    matches = match_greedy([box for box, _ in detections], truth.boxes, threshold)
    return [matched is not None for matched, _ in matches]


def _interpolated_precision(hits: Sequence[bool], n_truth: int) -> float:
    """Return the mean over 101 recall points of the highest precision at that recall or a higher one."""
    found = 0
    at_hits = []
    for rank, hit in enumerate(hits, start=1):
        if hit:
            found += 1
            at_hits.append((found / n_truth, found / rank))
    total = highest = 0.0
    point = len(_COCO_RECALLS) - 1
    for recall, precision in reversed(at_hits):
        while _COCO_RECALLS[point] > recall:
            total += highest
            point -= 1
        highest = max(highest, precision)
    return (total + highest * (point + 1)) / len(_COCO_RECALLS)
