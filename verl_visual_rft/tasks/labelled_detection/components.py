# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components of labelled detection; N is the mean of the numbers of predictions and truths, of all categories together.

Where none of the categories is there, each is 1 for "No Objects" and 0 for anything else, `Confidence` excepted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from statistics import fmean

from verl_visual_rft.boxes import iou
from verl_visual_rft.tasks.detection.answer import Detection
from verl_visual_rft.tasks.detection.components import confidence_score
from verl_visual_rft.tasks.labelled_detection.answer import LabelledAnswer
from verl_visual_rft.tasks.labelled_detection.matching import Pairs, match
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth
from verl_visual_rft.tasks.matching import Report, says_no_objects
from verl_visual_rft.tasks.options import iou_threshold


class OfPairs(ABC):
    """What boxes matched with objects are worth: one to one, within the labels first, then what is left over.

    Args:
        threshold: Smallest IoU of a pair, in (0, 1]; a run's curriculum over tau overrides it.
    """

    range = (0.0, 1.0)

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = iou_threshold(type(self).__name__.lower(), threshold)

    def __call__(
        self, answer: LabelledAnswer, truth: LabelledTruth, tau: float | None = None, report: Report | None = None
    ) -> float:
        """Return `of` of the pairs; where none of the categories is there, 1 for "No Objects", else 0."""
        if not truth.objects:
            return says_no_objects(answer)
        return self.of(match(answer, truth, self.threshold if tau is None else tau, report))

    @abstractmethod
    def of(self, pairs: Pairs) -> float:
        """Return what the pairs are worth."""


class IoU(OfPairs):
    """Sum of the IoU of the boxes on an object of their label / N.

    Pays for boxes on objects under the right name, every object once; misses, wrong names, surplus boxes and missed
    objects lower it. A box that is placed well and named wrong earns nothing: see `Placement`. Hard to game; a box that
    is given again under a second name pays where that name is nearly as likely as the first.
    """

    def of(self, pairs: Pairs) -> float:
        """``sum_hits IoU / N``."""
        return sum(pairs.hits) / pairs.mean_count


class F1(OfPairs):
    """2 hits / (predictions + truths), a hit being a box on an object of its label.

    Pays for finding every object once under its name and answering no other box, however loose the boxes are above the
    threshold: alone it teaches boxes that just reach it.
    """

    def of(self, pairs: Pairs) -> float:
        """``2 hits / (predictions + truths)``."""
        return len(pairs.hits) / pairs.mean_count


class Placement(OfPairs):
    """Sum of the IoU of the boxes on an object, whatever their label / N: what `IoU` would be were all names right.

    Pays for finding objects before their names are known, so that a wrong name is told from a misplaced box: the first
    costs the difference of the two components, the second both. Alone it is gamed by one name for every box.
    """

    def of(self, pairs: Pairs) -> float:
        """``(sum_hits IoU + sum_mislabelled IoU) / N``."""
        return (sum(pairs.hits) + sum(pairs.mislabelled)) / pairs.mean_count


class Naming(OfPairs):
    """Number of boxes on an object of their label / number of boxes on any object; 0 without one.

    Pays for the right name where a box found something. Alone it is gamed by the one object whose name is surest, for
    it counts neither missed objects nor boxes on nothing; give it with `Placement` or `F1`.
    """

    def of(self, pairs: Pairs) -> float:
        """``hits / (hits + mislabelled)``."""
        found = len(pairs.hits) + len(pairs.mislabelled)
        return len(pairs.hits) / found if found else 0.0


class MaxIoU:
    """F1 of best IoUs, without one-to-one matching, as published elsewhere; for comparison only.

    Precision is the mean over boxes of the largest IoU with an object of their label, recall the mean over objects of
    the largest IoU with a box of their label (Rex-Omni, arXiv 2510.12798, is understood to pay so). One object may
    serve any number of boxes: a repeated box costs nothing, and two guesses at one object count the better one for
    recall and lose no precision. docs/audit.md has what that is worth.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: LabelledAnswer, truth: LabelledTruth) -> float:
        """``2 P R / (P + R)``, ``P = mean_boxes max IoU``, ``R = mean_objects max IoU``, within the labels.

        None of the categories there: 1 for "No Objects", else 0.
        """
        if not truth.objects:
            return says_no_objects(answer)
        named = truth.category_of(box.label for box in answer.objects)
        boxes = [(box.box, named[box.label]) for box in answer.objects]
        of_boxes = [
            max((iou(box, other) for other, label in truth.objects if label == name), default=0.0)
            for box, name in boxes
        ]
        of_objects = [
            max((iou(box, other) for box, name in boxes if label == name), default=0.0)
            for other, label in truth.objects
        ]
        precision, recall = sum(of_boxes) / max(1, answer.n_boxes), fmean(of_objects)
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


class Confidence:
    """Mean over the answer's boxes of 2 c q - c^2: c the confidence, q the IoU of a hit within the labels, 0 of a miss.

    As detection's `Confidence`, for prompts of one's own that ask for confidences: ours does not, and a box without one
    counts as the confidence that is worst for it. A wrong name is a miss, so c should say that the name is right too.

    Args:
        threshold: Smallest IoU of a hit, in (0, 1]; low, since the confidence of a poor box should be low, not 0.
    """

    range = (-1.0, 1.0)

    def __init__(self, threshold: float = 0.1) -> None:
        self.threshold = iou_threshold("confidence", threshold)

    def __call__(self, answer: LabelledAnswer, truth: LabelledTruth, report: Report | None = None) -> float:
        """``mean_boxes (2 c q - c^2)``, q the IoU of a hit and 0 of a miss or a wrong name.

        No box: 1 for "No Objects" where none of the categories is there, else 0.
        """
        if not answer.n_boxes:
            return 0.0 if truth.objects else says_no_objects(answer)
        boxes = match(answer, truth, self.threshold, report).boxes
        detections = [Detection(box.answered.box, box.answered.confidence) for box in boxes]
        matches = [(box.place, box.quality) if box.right else (None, 0.0) for box in boxes]
        return confidence_score(detections, matches, answer.invalid_confidences)
