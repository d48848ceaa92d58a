# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The rewards of the paper (Visual-RFT, arXiv 2503.01785, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.answers import DetectionAnswer, Outcome
from verl_visual_rft.boxes import Box, match_greedy

#: tau: a match below it is no match. The paper gives no number; the published code uses 0.5.
IOU_THRESHOLD = 0.5


class PaperReward:
    """The paper's formulas, with the cases that it leaves open defined.

    It can be gamed: Eq. 9 pays a miss with confidence 0 in full, so a weak model earns most with any box at
    confidence 0. `RobustReward` is for real use; this one is for comparison with the paper.
    """

    range = (0.0, 3.0)

    def detection(self, answer: DetectionAnswer, truths: Sequence[Box]) -> dict[str, float]:
        """Score a detection answer by Eq. 5-10: ``score = iou + confidence + format``.

        Predictions are matched greedily by descending confidence; a prediction hits when ``IoU >= tau``.

        - ``iou`` (Eq. 6): sum of the IoU of the hits / number of predictions.
        - ``confidence`` (Eq. 9, 10): mean over predictions of c for a hit and 1 - c for a miss.
        - ``format``: 1 if the response is think tags, then answer tags, whatever they hold.

        Where the paper is silent:

        - no objects in truth and answer: iou 1, confidence 1;
        - no objects in truth, boxes answered: iou 0, confidence by Eq. 10, every box a miss;
        - objects in truth, none answered (or no answer): 0, 0;
        - a box that is not valid is a miss; a confidence outside [0, 1] or missing earns 0 for its box.
        """
        has_format = float(answer.has_format)
        n_pred = len(answer.detections) + answer.invalid
        if n_pred == 0:
            right = float(not truths and answer.outcome is Outcome.NO_OBJECTS)
            return {
                "score": 2 * right + has_format,
                "iou": right,
                "confidence": right,
                "format": has_format,
                "n_matched": 0.0,
            }

        ranked = sorted(answer.detections, key=lambda d: -1.0 if d.confidence is None else d.confidence, reverse=True)
        matches = match_greedy([detection.box for detection in ranked], truths, IOU_THRESHOLD)
        iou_sum = confidence_sum = 0.0
        n_matched = 0
        for detection, (truth, overlap) in zip(ranked, matches, strict=True):
            hit = truth is not None
            n_matched += hit
            iou_sum += overlap
            if detection.confidence is not None:
                confidence_sum += detection.confidence if hit else 1 - detection.confidence
        confidence_sum += sum(1 - confidence for confidence in answer.invalid_confidences if confidence is not None)

        iou, confidence = iou_sum / n_pred, confidence_sum / n_pred
        return {
            "score": iou + confidence + has_format,
            "iou": iou,
            "confidence": confidence,
            "format": has_format,
            "n_matched": float(n_matched),
        }
