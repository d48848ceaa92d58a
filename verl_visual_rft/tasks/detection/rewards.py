# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the named rewards pay for an answer to a detection question."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks.detection.answer import Detection, DetectionAnswer
from verl_visual_rft.tasks.detection.components import confidence_score
from verl_visual_rft.tasks.detection.matching import match, mean_count
from verl_visual_rft.tasks.detection.truth import DetectionTruth
from verl_visual_rft.tasks.form import FORMAT_WEIGHT, Format
from verl_visual_rft.tasks.matching import Report, says_no_objects

#: tau of the paper: a match below it is no match. The paper gives no number; the published code uses 0.5.
PAPER_IOU = 0.5
#: A box with less overlap is not on the object. Low, so that a poor box still tells the learner which way to go;
#: not 0, so that a box over the whole image earns nothing for a small object.
ROBUST_IOU = 0.1
#: Weights of the components. Boxes count most: without them nothing else is worth having.
IOU_WEIGHT, CONFIDENCE_WEIGHT = 2.0, 0.5

_FORMAT = Format()


class Robust:
    """Bounded components that pay for boxes on objects and for confidence that says what they are worth."""

    range = (-CONFIDENCE_WEIGHT, IOU_WEIGHT + CONFIDENCE_WEIGHT + FORMAT_WEIGHT)
    weights = {"iou": IOU_WEIGHT, "confidence": CONFIDENCE_WEIGHT, "format": FORMAT_WEIGHT}

    def __call__(
        self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None, report: Report | None = None
    ) -> dict[str, float]:
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
            detections, matches = match(answer, truth, ROBUST_IOU if tau is None else tau, report)
            n_matched = sum(matched is not None for matched, _ in matches)
            overlap = sum(quality for _, quality in matches) / mean_count(answer, truth)
            confidence = confidence_score(detections, matches, answer.invalid_confidences)
        elif not truth.boxes:
            overlap = confidence = says_no_objects(answer)
        return _total(answer, truth, overlap, confidence, n_matched)


class Robust1:
    """`Robust` as it was first: with one box in the answer its confidence term teaches nothing.

    The term is cut off at 0, so that a miss costs the same at confidence 0 and at 1 and the best confidence hardly
    depends on how often the box hits.
    """

    range = (0.0, IOU_WEIGHT + CONFIDENCE_WEIGHT + FORMAT_WEIGHT)
    weights = Robust.weights

    def __call__(
        self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None, report: Report | None = None
    ) -> dict[str, float]:
        """Score a detection answer: ``score = 2 iou + 0.5 confidence + 0.5 format``, each component in [0, 1].

        H are the hits at IoU >= 0.1, or at the tau that the run prescribes (IoU u, confidence c), M the misses,
        N = (predictions + truths) / 2. A confidence that is missing earns nothing on a hit and counts as 1 on a miss.

        - ``iou``: ``sum_H u / N``.
        - ``confidence``: ``max(0, sum_H u (1 - (c - u)^2) - sum_M c^2) / N``.
        - ``format``: as in `robust`.

        When nothing is there, iou and confidence are 1 for saying "No Objects" and 0 for anything else.
        """
        overlap = calibration = 0.0
        n_matched = 0
        if not truth.boxes:
            overlap = calibration = says_no_objects(answer)
        elif answer.detections:
            detections, matches = match(answer, truth, ROBUST_IOU if tau is None else tau, report)
            n_matched = sum(matched is not None for matched, _ in matches)
            n = mean_count(answer, truth)
            overlap = sum(overlap for _, overlap in matches) / n
            calibration = _calibrated_confidence(detections, matches, answer.invalid_confidences) / n
        return _total(answer, truth, overlap, calibration, n_matched)


class Paper:
    """The paper's formulas (Eq. 5-10), with the cases that it leaves open defined.

    It can be gamed: Eq. 9 pays a miss with confidence 0 in full, so a weak model earns most with any box at
    confidence 0.
    """

    range = (0.0, 3.0)
    weights = {"iou": 1.0, "confidence": 1.0, "format": 1.0}

    def __call__(
        self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None, report: Report | None = None
    ) -> dict[str, float]:
        """Score a detection answer by Eq. 5-10: ``score = iou + confidence + format``.

        Predictions are matched greedily by descending confidence; a prediction hits when ``IoU >= tau``, which is 0.5
        where the run prescribes no other.

        - ``iou`` (Eq. 6): sum of the IoU of the hits / number of predictions.
        - ``confidence`` (Eq. 9, 10): mean over predictions of c for a hit and 1 - c for a miss.
        - ``format``: 1 if the response is think tags, then answer tags, whatever they hold.

        Where the paper is silent:

        - the prompt asks for the answer alone (the paper's always asks for thinking): format is 1 if the response is
          one answer block;
        - no objects in truth and answer: iou 1, confidence 1;
        - no objects in truth, boxes answered: iou 0, confidence by Eq. 10, every box a miss;
        - objects in truth, none answered (or no answer): 0, 0;
        - a box that is not valid is a miss; a confidence outside [0, 1] or missing earns 0 for its box.
        """
        has_format = float(answer.has_format)
        n_pred = answer.n_boxes
        if n_pred == 0:
            right = float(not truth.boxes and answer.outcome is Outcome.NO_OBJECTS)
            return {
                "score": 2 * right + has_format,
                "iou": right,
                "confidence": right,
                "format": has_format,
                "n_matched": 0.0,
            }

        detections, matches = match(answer, truth, PAPER_IOU if tau is None else tau, report)
        overlaps = confidences = 0.0
        n_matched = 0
        for detection, (matched, overlap) in zip(detections, matches, strict=True):
            hit = matched is not None
            n_matched += hit
            overlaps += overlap
            if detection.confidence is not None:
                confidences += detection.confidence if hit else 1 - detection.confidence
        confidences += sum(1 - confidence for confidence in answer.invalid_confidences if confidence is not None)

        mean_iou, mean_confidence = overlaps / n_pred, confidences / n_pred
        return {
            "score": mean_iou + mean_confidence + has_format,
            "iou": mean_iou,
            "confidence": mean_confidence,
            "format": has_format,
            "n_matched": float(n_matched),
        }


def _total(
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


def _calibrated_confidence(
    detections: Sequence[Detection],
    matches: Sequence[tuple[int | None, float]],
    invalid_confidences: Sequence[float | None],
) -> float:
    """Return ``max(0, sum_hits u (1 - (c - u)^2) - sum_misses c^2)``, between 0 and the number of hits."""
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
