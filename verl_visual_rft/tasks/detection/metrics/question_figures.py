# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What detection answers are worth question by question: the same figures whichever reward is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verl_visual_rft.boxes import match_greedy
from verl_visual_rft.evaluation.results import Figure, ScoredAnswer, ratio_figure
from verl_visual_rft.tasks.detection import DetectionAnswer, DetectionTruth
from verl_visual_rft.tasks.detection.matching import ranked
from verl_visual_rft.tasks.findings import FOUND_IOU
from verl_visual_rft.tasks.matching import says_no_objects

#: IoU from which a box is about an object at all, as in LaECE: how well it lies is then in its IoU.
ABOUT_IOU = 0.1


@dataclass(frozen=True)
class Judged:
    """An answer beside its truth.

    Attributes:
        image_id: The picture.
        objects: How many there are.
        boxes: How many were answered, those that are not valid too.
        found: Boxes that found an object at `FOUND_IOU`.
        iou: ``2 sum of the IoU of boxes about an object / (boxes + objects)``; where nothing is there 1 for saying so.
        claims: Confidence and quality of each valid box that has a confidence; quality is the IoU with the object that
            the box is about, 0 if it is about none.
    """

    image_id: str
    objects: int
    boxes: int
    found: int
    iou: float
    claims: tuple[tuple[float, float], ...]


def judge(item: ScoredAnswer) -> Judged:
    """Match the boxes of an answer, most confident first, with the objects."""
    answer, truth = item.sample.answer, item.sample.truth
    assert isinstance(answer, DetectionAnswer) and isinstance(truth, DetectionTruth)
    detections = ranked(answer.detections)
    boxes = [detection.box for detection in detections]
    found = sum(index is not None for index, _ in match_greedy(boxes, truth.boxes, FOUND_IOU))
    qualities = [quality for _, quality in match_greedy(boxes, truth.boxes, ABOUT_IOU)]
    if truth.boxes:
        overlap = 2 * sum(qualities) / (answer.n_boxes + len(truth.boxes))
    else:
        overlap = says_no_objects(answer)
    claims = tuple(
        (detection.confidence, quality)
        for detection, quality in zip(detections, qualities, strict=True)
        if detection.confidence is not None
    )
    return Judged(item.prediction.image_id, len(truth.boxes), answer.n_boxes, found, overlap, claims)


def f1(judged: Sequence[Judged]) -> Figure | None:
    """``2 boxes that found an object / (boxes + objects)`` over all questions; ``None`` without any box and object."""
    totals = [item.boxes + item.objects for item in judged]
    if not any(totals):
        return None
    return ratio_figure([2 * item.found for item in judged], totals, [item.image_id for item in judged])


def confidence_claims(judged: Sequence[Judged], places: Mapping[str, int]) -> list[tuple[int, float, float]]:
    """Return the place of the picture, confidence and quality of every box that claims one."""
    return [(places[item.image_id], confidence, quality) for item in judged for confidence, quality in item.claims]
