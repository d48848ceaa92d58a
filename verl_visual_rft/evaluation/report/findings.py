# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is right or wrong with an answer, in the words by which the gallery is filtered."""

from __future__ import annotations

from enum import Enum

from verl_visual_rft.answers import Outcome
from verl_visual_rft.boxes import Box, iou, match_greedy
from verl_visual_rft.evaluation.results import FOUND_IOU
from verl_visual_rft.labels import names_the_class
from verl_visual_rft.rewards import Sample
from verl_visual_rft.tasks.classification import ClassificationAnswer, ClassificationTruth
from verl_visual_rft.tasks.detection import DetectionAnswer, DetectionTruth
from verl_visual_rft.tasks.detection.matching import ranked
from verl_visual_rft.tasks.grounding import GroundingAnswer, GroundingTruth

#: Between this IoU and `FOUND_IOU` a box is badly placed; below, it is on something else. Both are those of TIDE (Bolya
#: et al., 2020, arXiv 2008.08115, section 2.2).
NEAR_IOU = 0.1


class Finding(str, Enum):
    """One kind of answer; an answer about several objects may be of several."""

    RIGHT = "right"
    """Every object is found and nothing else is answered; the class is right."""
    MISSED = "missed"
    """An object has no box on it, not even a badly placed one."""
    FALSE_ALARM = "false alarm"
    """A box is on nothing, or on an object that a more confident box has found."""
    BADLY_PLACED = "badly placed"
    """A box overlaps an object that no other box found, but too little."""
    WRONG_CLASS = "wrong class"
    """Another class than the label is named, or several."""
    MALFORMED = "malformed"
    """No answer could be read."""


def find(sample: Sample) -> tuple[Finding, ...]:
    """Return what is to be said of an answer, in the order of `Finding`; exactly ``RIGHT`` if nothing is wrong.

    Example:
        >>> from verl_visual_rft.rewards import make_sample
        >>> answer = "<think> a </think> <answer>[{'Position': [0, 0, 100, 20], 'Confidence': 1}]</answer>"
        >>> find(make_sample("detection", answer, {"boxes": [[0, 0, 100, 100], [500, 500, 600, 600]]}))
        (<Finding.MISSED: 'missed'>, <Finding.BADLY_PLACED: 'badly placed'>)
    """
    answer, truth = sample.answer, sample.truth
    if answer.outcome in (Outcome.MALFORMED, Outcome.NO_ANSWER):
        return (Finding.MALFORMED,)
    found: set[Finding] = set()
    if isinstance(answer, DetectionAnswer) and isinstance(truth, DetectionTruth):
        found = _place([detection.box for detection in ranked(answer.detections)], truth.boxes)
    elif isinstance(answer, GroundingAnswer) and isinstance(truth, GroundingTruth):
        found = _place(answer.boxes, (truth.box,))
    elif isinstance(answer, ClassificationAnswer) and isinstance(truth, ClassificationTruth):
        if not names_the_class(answer.label, truth.label, truth.labels, truth.aliases):
            found = {Finding.WRONG_CLASS}
    return tuple(finding for finding in Finding if finding in found) or (Finding.RIGHT,)


def _place(boxes: list[Box] | tuple[Box, ...], truths: tuple[Box, ...]) -> set[Finding]:
    """Compare boxes, most confident first, with the objects."""
    given = match_greedy(boxes, truths, FOUND_IOU)
    found = {index for index, _ in given}
    left = {index: truth for index, truth in enumerate(truths) if index not in found}
    findings: set[Finding] = set()
    touched: set[int] = set()
    for box, (index, _) in zip(boxes, given, strict=True):
        if index is not None:
            continue
        near = {other for other, truth in left.items() if iou(box, truth) >= NEAR_IOU}
        findings.add(Finding.BADLY_PLACED if near else Finding.FALSE_ALARM)
        touched |= near
    if left.keys() - touched:
        findings.add(Finding.MISSED)
    return findings
