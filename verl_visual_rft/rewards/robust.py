# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Our reward for real use: no answer that is worse for a user may pay more."""

from __future__ import annotations

from verl_visual_rft.answers import ClassificationAnswer, DetectionAnswer, GroundingAnswer
from verl_visual_rft.boxes import giou, iou, match_greedy
from verl_visual_rft.labels import match_closed_set
from verl_visual_rft.rewards.components.detection import calibrated_confidence
from verl_visual_rft.rewards.components.matching import mean_count, ranked, says_nothing_is_there
from verl_visual_rft.rewards.components.text import Format
from verl_visual_rft.truths import ClassificationTruth, DetectionTruth, GroundingTruth

#: A box with less overlap is not on the object. Low, so that a poor box still tells the learner which way to go;
#: not 0, so that a box over the whole image earns nothing for a small object.
IOU_THRESHOLD = 0.1
#: Weights of the components of detection. Boxes count most: without them nothing else is worth having.
IOU_WEIGHT, CONFIDENCE_WEIGHT = 2.0, 0.5
#: Weight of the right class, and of each of the two components of grounding.
ACCURACY_WEIGHT, GROUNDING_WEIGHT = 2.0, 1.0
#: Weight of the format in every task: enough to be learnt, too little to be worth an answer.
FORMAT_WEIGHT = 0.5


_FORMAT = Format()


class RobustReward:
    """Bounded components that pay for what a user gets, and only for that."""

    range = {
        "detection": (0.0, IOU_WEIGHT + CONFIDENCE_WEIGHT + FORMAT_WEIGHT),
        "classification": (0.0, ACCURACY_WEIGHT + FORMAT_WEIGHT),
        "grounding": (0.0, 2 * GROUNDING_WEIGHT + FORMAT_WEIGHT),
    }
    weights = {
        "detection": {"iou": IOU_WEIGHT, "confidence": CONFIDENCE_WEIGHT, "format": FORMAT_WEIGHT},
        "classification": {"accuracy": ACCURACY_WEIGHT, "format": FORMAT_WEIGHT},
        "grounding": {"iou": GROUNDING_WEIGHT, "giou": GROUNDING_WEIGHT, "format": FORMAT_WEIGHT},
    }

    def detection(self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None) -> dict[str, float]:
        """Score a detection answer: ``score = 2 iou + 0.5 confidence + 0.5 format``, each component in [0, 1].

        Predictions are matched greedily by descending confidence, as COCO's evaluation does, at IoU >= 0.1, or at the
        tau that the run prescribes.
        H are the hits (with IoU u and confidence c), M the misses, N = (predictions + truths) / 2; a box that is not
        valid is a miss; a confidence that is missing or not valid earns nothing on a hit and counts as 1 on a miss.

        - ``iou``: ``sum_H u / N``. No threshold at 0.5, so it rises with every pixel gained. N counts missed objects
          (the paper's denominator does not: one sure box of five would earn all) and every surplus box, so neither
          a duplicate nor a flood pays. The published max(predictions, truths) would make surplus boxes free as long
          as objects are missed: padding the answer with guesses would pay. As in the F1 score, a further box pays if
          its expected overlap is more than half of this component.
        - ``confidence``: ``max(0, sum_H u (1 - (c - u)^2) - sum_M c^2) / N``. Best at c = u, so boxes rank by quality.
          It is earned by hits only: where calibration on misses is paid, a weak model learns to place any box
          with confidence 0. Misses take from it what they claim, never below 0.
        - ``format``: 1 for think tags, then answer tags, with reasoning that has words of its own (empty or copied
          ``...`` earns nothing: paid, it replaces reasoning) and an answer that needed no repair. What is reasoned
          is not judged. Where the prompt asks for the answer alone: 1 for one answer block that needed no repair.

        When nothing is there, iou and confidence are 1 for saying "No Objects" and 0 for anything else: a false alarm
        at low confidence is still a false alarm. When something is there, "No Objects" earns neither.

        Invariant under the order of the boxes of the answer, up to truths that a box overlaps equally.
        """
        overlap = calibration = 0.0
        n_matched = 0
        if not truth.boxes:
            overlap = calibration = says_nothing_is_there(answer)
        elif answer.detections:
            detections = ranked(answer.detections)
            matches = match_greedy([box for box, _ in detections], truth.boxes, IOU_THRESHOLD if tau is None else tau)
            n_matched = sum(matched is not None for matched, _ in matches)
            n = mean_count(answer, truth)
            overlap = sum(overlap for _, overlap in matches) / n
            calibration = calibrated_confidence(detections, matches, answer.invalid_confidences) / n
        form = _FORMAT(answer, truth)
        return {
            "score": IOU_WEIGHT * overlap + CONFIDENCE_WEIGHT * calibration + FORMAT_WEIGHT * form,
            "iou": overlap,
            "confidence": calibration,
            "format": form,
            "n_matched": float(n_matched),
        }

    def classification(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> dict[str, float]:
        """Score the class that an answer names: ``score = 2 accuracy + 0.5 format``.

        - ``accuracy``: 1 if the answer names the label and no other class of the closed set, by its name or an alias
          (see `match_closed_set`). Names are compared as words: the published rule, either text contains the other,
          pays the empty answer and the letter "e". An answer that names two classes is wrong even if one is right:
          paid, listing all of them is the best answer. Without a closed set the answer must be the label.
        - ``format``: as in `detection`. It cannot make up for a wrong class.
        """
        labels = truth.labels or (truth.label,)
        accuracy = float(match_closed_set(answer.label, labels, truth.aliases) == truth.label)
        form = _FORMAT(answer, truth)
        return {"score": ACCURACY_WEIGHT * accuracy + FORMAT_WEIGHT * form, "accuracy": accuracy, "format": form}

    def grounding(self, answer: GroundingAnswer, truth: GroundingTruth) -> dict[str, float]:
        """Score the box of an answer: ``score = iou + giou + 0.5 format``; both are 0 unless it is one valid box.

        - ``iou``: IoU of the answer's box and the true one: what is measured in the end.
        - ``giou``: ``((GIoU + 1) / 2)^2``, in [0, 1]: it tells near from far where boxes do not overlap and IoU is 0.
          Of valid boxes only, because unchecked corners make it unbounded. Squared, and only half of the whole,
          because a box over the whole image gets half of the unsquared value, more than a learner's honest guess.
        - ``format``: as in `detection`.
        """
        closeness = overlap = 0.0
        if answer.box:
            closeness = ((giou(answer.box, truth.box) + 1) / 2) ** 2
            overlap = iou(answer.box, truth.box)
        form = _FORMAT(answer, truth)
        return {
            "score": GROUNDING_WEIGHT * (overlap + closeness) + FORMAT_WEIGHT * form,
            "iou": overlap,
            "giou": closeness,
            "format": form,
        }
