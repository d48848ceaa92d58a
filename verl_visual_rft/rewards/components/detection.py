# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components of detection that look at the answer as a set: hits and misses, ranking, number and confidence."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.answers import Detection, DetectionAnswer
from verl_visual_rft.boxes import match_greedy
from verl_visual_rft.rewards.components.matching import mean_count, ranked, says_nothing_is_there
from verl_visual_rft.rewards.components.options import iou_threshold
from verl_visual_rft.truths import DetectionTruth

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

    def detection(self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None) -> float:
        """``2 hits / (predictions + truths)``; most confident first, hits at IoU >= threshold.

        Nothing there: 1 for "No Objects", else 0.
        """
        if not truth.boxes:
            return says_nothing_is_there(answer)
        hits = _hits(ranked(answer.detections), truth, self.threshold if tau is None else tau)
        return 2 * sum(hits) / (answer.n_boxes + len(truth.boxes))


class AP:
    """COCO's average precision of one response: mean over IoU 0.50, 0.55, ..., 0.95 and 101 recall points.

    Pays for what the benchmark measures: good boxes ranked first. Alone it is gamed by floods: what ranks after the
    last hit costs nothing, so guessing more boxes at low confidence can only win. Give it with `Count` or `F1`.
    """

    range = (0.0, 1.0)

    def detection(self, answer: DetectionAnswer, truth: DetectionTruth) -> float:
        """``mean_t 1/101 sum_r max precision at recall >= r`` of the 100 most confident boxes, t = 0.50, ..., 0.95.

        Nothing there: 1 for "No Objects", else 0.
        """
        if not truth.boxes:
            return says_nothing_is_there(answer)
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

    def detection(self, answer: DetectionAnswer, truth: DetectionTruth) -> float:
        """``1 - |predictions - truths| / max(predictions, truths)``.

        Nothing there: 1 for "No Objects", else 0.
        """
        if not truth.boxes:
            return says_nothing_is_there(answer)
        return min(answer.n_boxes, len(truth.boxes)) / max(answer.n_boxes, len(truth.boxes))


class Confidence:
    """Calibrated confidence c of boxes of IoU u: sum of u (1 - (c - u)^2) of the hits less c^2 of the misses.

    Divided by the mean number of predictions and truths, never below 0. Pays for boxes that are good and rank by how
    good they are. Hard to game alone: it is earned by hits only, misses only cost. Boxes of confidence 0 earn nothing
    for their misses, as they do by the paper's Eq. 9.

    Args:
        threshold: Smallest IoU of a hit, in (0, 1]; low, since the confidence of a poor box should be low, not 0.
    """

    range = (0.0, 1.0)

    def __init__(self, threshold: float = 0.1) -> None:
        self.threshold = iou_threshold("confidence", threshold)

    def detection(self, answer: DetectionAnswer, truth: DetectionTruth) -> float:
        """``max(0, sum_hits u (1 - (c - u)^2) - sum_misses c^2) / N``, u the IoU, N as in `mean_count`.

        Most confident first, hits at IoU >= threshold. Nothing there: 1 for "No Objects", else 0.
        """
        if not truth.boxes:
            return says_nothing_is_there(answer)
        detections = ranked(answer.detections)
        matches = match_greedy([box for box, _ in detections], truth.boxes, self.threshold)
        earned = calibrated_confidence(detections, matches, answer.invalid_confidences)
        return earned / mean_count(answer, truth)


def calibrated_confidence(
    detections: Sequence[Detection],
    matches: Sequence[tuple[int | None, float]],
    invalid_confidences: Sequence[float | None],
) -> float:
    """Return ``max(0, sum_hits u (1 - (c - u)^2) - sum_misses c^2)`` with u the IoU and c the confidence of a box.

    Best at c = u. It is earned by hits only, where calibration on misses is paid a weak model learns to place any box
    with confidence 0; misses take from it what they claim. A confidence that is missing or not valid earns nothing on
    a hit and counts as 1 on a miss.

    Args:
        detections: Valid boxes.
        matches: What `match_greedy` says of each.
        invalid_confidences: Confidences of the boxes that are not valid, which are misses.

    Returns:
        Between 0 and the number of hits.
    """
    earned = 0.0
    claimed = sum(_claim(confidence) for confidence in invalid_confidences)
    for (_, confidence), (matched, overlap) in zip(detections, matches, strict=True):
        if matched is None:
            claimed += _claim(confidence)
        elif confidence is not None:
            earned += overlap * (1 - (confidence - overlap) ** 2)
    return max(0.0, earned - claimed)


def _claim(confidence: float | None) -> float:
    """What a miss takes away; one that hides its confidence is taken as sure."""
    return 1.0 if confidence is None else confidence**2


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
