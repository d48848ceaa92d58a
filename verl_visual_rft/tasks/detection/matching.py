# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which box of an answer stands for which object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from verl_visual_rft.boxes import Box, match_greedy
from verl_visual_rft.tasks.detection.answer import Detection, DetectionAnswer
from verl_visual_rft.tasks.detection.truth import DetectionTruth
from verl_visual_rft.tasks.marks import box_mark
from verl_visual_rft.tasks.matching import Report, matching_of, says_no_objects


class _Claim(Protocol):
    @property
    def confidence(self) -> float | None: ...


ClaimT = TypeVar("ClaimT", bound=_Claim)


def ranked(detections: Sequence[ClaimT]) -> list[ClaimT]:
    """Return detections most confident first, those without a confidence last; equals keep the order of the answer.

    That is how COCO's evaluation and ours break ties, and how `paper` and every explanation of a score do.
    """
    return sorted(detections, key=_rank)


def match(
    answer: DetectionAnswer, truth: DetectionTruth, threshold: float, report: Report | None = None
) -> tuple[list[Detection], list[tuple[int | None, float]]]:
    """Match boxes greedily by descending confidence, as COCO's evaluation does.

    Args:
        answer: The parsed answer.
        truth: The boxes to be found.
        threshold: Smallest IoU of a hit.
        report: Is told of it.

    Returns:
        The valid boxes, most confident first, and for each the place of the object that it hits with their IoU, or
        None and 0.
    """
    detections = ranked(answer.detections)
    matches = match_greedy([box for box, _ in detections], truth.boxes, threshold)
    if report is not None:
        marks = [box_mark(box, confidence=confidence) for box, confidence in detections]
        report(matching_of(marks, truth.marks(), matches, threshold))
    return detections, matches


def mean_count(answer: DetectionAnswer, truth: DetectionTruth) -> float:
    """Return (predictions + truths) / 2, boxes that are not valid among the predictions: what sums are divided by.

    As in the F1 score a missed object and a surplus box cost alike. The published code's max(predictions, truths)
    makes surplus boxes free as long as objects are missed, so that padding an answer with guesses pays; the paper's
    number of predictions makes missed objects free.
    """
    return (answer.n_boxes + len(truth.boxes)) / 2


def mean_similarity(answer: DetectionAnswer, truth: DetectionTruth, similarity: Callable[[Box, Box], float]) -> float:
    """Return the sum of the similarities of matched pairs / `mean_count`.

    Each prediction, most confident first, takes the truth that is most similar to it of those that are free (of equals
    the last, as in `match_greedy`). Boxes that are not valid count among the predictions and take none. Where nothing
    is there: `says_no_objects`.

    Args:
        answer: The parsed answer.
        truth: The boxes to be found.
        similarity: Of a predicted and a true box, in [0, 1].

    Returns:
        In [0, 1].
    """
    if not truth.boxes:
        return says_no_objects(answer)
    free = list(truth.boxes)
    total = 0.0
    for detection in ranked(answer.detections)[: len(free)]:
        best, place = max((similarity(detection.box, box), place) for place, box in enumerate(free))
        total += best
        del free[place]
    return total / mean_count(answer, truth)


def _rank(detection: _Claim) -> float:
    return 1.0 if detection.confidence is None else -detection.confidence
