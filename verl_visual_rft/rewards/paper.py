# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The rewards of the paper (Visual-RFT, arXiv 2503.01785, section 3.2)."""

from __future__ import annotations

from verl_visual_rft.answers import ClassificationAnswer, DetectionAnswer, GroundingAnswer, Outcome
from verl_visual_rft.boxes import iou, match_greedy
from verl_visual_rft.labels import same_name
from verl_visual_rft.rewards.components.matching import ranked
from verl_visual_rft.truths import ClassificationTruth, DetectionTruth, GroundingTruth

#: tau: a match below it is no match. The paper gives no number; the published code uses 0.5.
IOU_THRESHOLD = 0.5


class PaperReward:
    """The paper's formulas, with the cases that it leaves open defined.

    It can be gamed: Eq. 9 pays a miss with confidence 0 in full, so a weak model earns most with any box at
    confidence 0. `RobustReward` is for real use; this one is for comparison with the paper.
    """

    range = {"detection": (0.0, 3.0), "classification": (0.0, 2.0), "grounding": (0.0, 2.0)}
    weights = {
        "detection": {"iou": 1.0, "confidence": 1.0, "format": 1.0},
        "classification": {"accuracy": 1.0, "format": 1.0},
        "grounding": {"iou": 1.0, "format": 1.0},
    }
    iou_threshold = IOU_THRESHOLD

    def detection(self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None) -> dict[str, float]:
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

        detections = ranked(answer.detections)
        matches = match_greedy([box for box, _ in detections], truth.boxes, IOU_THRESHOLD if tau is None else tau)
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

    def classification(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> dict[str, float]:
        """Score the class that an answer names by Eq. 3 and 11: ``score = accuracy + format``.

        - ``accuracy``: 1 if the answer equals the label; case, underscores and white space do not matter.
        - ``format``: as in `detection`.
        """
        accuracy, has_format = float(same_name(answer.label, truth.label)), float(answer.has_format)
        return {"score": accuracy + has_format, "accuracy": accuracy, "format": has_format}

    def grounding(self, answer: GroundingAnswer, truth: GroundingTruth) -> dict[str, float]:
        """Score the box of an answer: ``score = iou + format``. The paper gives no formula of its own for this task.

        - ``iou``: IoU of the answer's box and the true one; 0 unless the answer is exactly one valid box. Corners
          with decimals or without a comma between are none, for the published rule reads none there.
        - ``format``: as in `detection`.
        """
        overlap = iou(answer.box, truth.box) if answer.box and not answer.loose else 0.0
        has_format = float(answer.has_format)
        return {"score": overlap + has_format, "iou": overlap, "format": has_format}
