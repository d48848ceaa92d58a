# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Our reward for real use: no answer that is worse for a user may pay more."""

from __future__ import annotations

from verl_visual_rft.answers import ClassificationAnswer, DetectionAnswer, GroundingAnswer
from verl_visual_rft.boxes import giou, iou, match_greedy
from verl_visual_rft.labels import names_the_class
from verl_visual_rft.rewards.components.detection import confidence_score
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
        "detection": (-CONFIDENCE_WEIGHT, IOU_WEIGHT + CONFIDENCE_WEIGHT + FORMAT_WEIGHT),
        "classification": (0.0, ACCURACY_WEIGHT + FORMAT_WEIGHT),
        "grounding": (0.0, 2 * GROUNDING_WEIGHT + FORMAT_WEIGHT),
    }
    weights = {
        "detection": {"iou": IOU_WEIGHT, "confidence": CONFIDENCE_WEIGHT, "format": FORMAT_WEIGHT},
        "classification": {"accuracy": ACCURACY_WEIGHT, "format": FORMAT_WEIGHT},
        "grounding": {"iou": GROUNDING_WEIGHT, "giou": GROUNDING_WEIGHT, "format": FORMAT_WEIGHT},
    }
    iou_threshold = IOU_THRESHOLD

    def detection(self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None) -> dict[str, float]:
        """Score a detection answer: ``score = 2 iou + 0.5 confidence + 0.5 format``, in [-0.5, 3].

        Predictions are matched greedily by descending confidence (equals in the order of the answer), as COCO's
        evaluation does, at IoU >= 0.1, or at the tau that the run prescribes. c is the confidence of a box and q its
        IoU if it hits, else 0; N = (predictions + truths) / 2; a box that is not valid is a miss.

        - ``iou``: ``sum q / N``, in [0, 1]. No threshold at 0.5, so it rises with every pixel gained. N counts missed
          objects (the paper's denominator does not: one sure box of five would earn all) and every surplus box, so
          neither a duplicate nor a flood pays. The published max(predictions, truths) would make surplus boxes free as
          long as objects are missed: padding the answer with guesses would pay. As in the F1 score, a further box pays
          if its expected overlap is more than half of this component.
        - ``confidence``: ``mean over the boxes of the answer of 2 c q - c^2``, in [-1, 1]. A proper scoring rule: best
          at c = E[q] given all that the policy knows, "nothing may be there" included, so that boxes rank by what they
          are worth across pictures, which is what AP asks. Not cut off at 0: a lone miss would cost the same at every
          c. Not divided by N: that number of truths is not known to the policy and weighs an outcome by what it is,
          so the best c would no longer be the expectation. A confidence that is missing or not valid counts as the
          worst for its box.
        - ``format``: 1 for think tags, then answer tags, with reasoning that has words of its own (empty or copied
          ``...`` earns nothing: paid, it replaces reasoning) and an answer that needed no repair. What is reasoned
          is not judged. Where the prompt asks for the answer alone: 1 for one answer block that needed no repair.

        "No Objects" (or no box that could be read) where something is there earns 0 of iou and confidence. Where
        nothing is there, "No Objects" earns 1 of both; boxes earn 0 of iou and ``mean -c^2`` of confidence.

        With one object that is there with probability p and a box whose expected IoU on it is e, the box is worth
        ``2 p e + 0.5 (p e)^2`` at its best confidence p e, and "No Objects" ``2.5 (1 - p)``. "No Objects" pays below
        p = 0.52 for e = 1, 0.58 for e = 0.8 and 0.70 for e = 0.5.
        """
        overlap = confidence = 0.0
        n_matched = 0
        if answer.n_boxes:
            detections = ranked(answer.detections)
            matches = match_greedy([box for box, _ in detections], truth.boxes, IOU_THRESHOLD if tau is None else tau)
            n_matched = sum(matched is not None for matched, _ in matches)
            overlap = sum(quality for _, quality in matches) / mean_count(answer, truth)
            confidence = confidence_score(detections, matches, answer.invalid_confidences)
        elif not truth.boxes:
            overlap = confidence = says_nothing_is_there(answer)
        return detection_total(answer, truth, overlap, confidence, n_matched)

    def classification(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> dict[str, float]:
        """Score the class that an answer names: ``score = 2 accuracy + 0.5 format``.

        - ``accuracy``: 1 if the answer names the label and no other class of the closed set, by its name or an alias
          (see `names_the_class`). Names are compared as words: the published rule, either text contains the other,
          pays the empty answer and the letter "e". An answer that names two classes is wrong even if one is right:
          paid, listing all of them is the best answer. Without a closed set the answer must be the name alone; an
          article, punctuation and case do not matter.
        - ``format``: as in `detection`. It cannot make up for a wrong class.
        """
        right = names_the_class(answer.label, truth.label, truth.labels, truth.aliases)
        return classification_total(answer, truth, right)

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


def detection_total(
    answer: DetectionAnswer, truth: DetectionTruth, overlap: float, confidence: float, n_matched: int
) -> dict[str, float]:
    """Return the components of a detection answer and their weighted sum."""
    form = _FORMAT(answer, truth)
    return {
        "score": IOU_WEIGHT * overlap + CONFIDENCE_WEIGHT * confidence + FORMAT_WEIGHT * form,
        "iou": overlap,
        "confidence": confidence,
        "format": form,
        "n_matched": float(n_matched),
    }


def classification_total(answer: ClassificationAnswer, truth: ClassificationTruth, right: bool) -> dict[str, float]:
    """Return the components of a classification answer and their weighted sum."""
    form = _FORMAT(answer, truth)
    return {
        "score": ACCURACY_WEIGHT * right + FORMAT_WEIGHT * form,
        "accuracy": float(right),
        "format": form,
    }
