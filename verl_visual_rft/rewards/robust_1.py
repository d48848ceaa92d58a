# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`robust` as it was first: kept for comparison with runs that were trained by it."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.answers import ClassificationAnswer, Detection, DetectionAnswer
from verl_visual_rft.boxes import match_greedy
from verl_visual_rft.labels import match_closed_set
from verl_visual_rft.rewards.components.matching import mean_count, ranked, says_nothing_is_there
from verl_visual_rft.rewards.robust import IOU_THRESHOLD, RobustReward, classification_total, detection_total
from verl_visual_rft.truths import ClassificationTruth, DetectionTruth


class Robust1Reward(RobustReward):
    """The first version of `robust`; its confidence term teaches nothing where one object is asked for.

    With one box in the answer the term is cut off at 0, so that a miss costs the same at confidence 0 and at 1 and the
    best confidence hardly depends on how often the box hits. Without a closed set a list of names is paid as the label.
    """

    range = RobustReward.range | {"detection": (0.0, 3.0)}

    def detection(self, answer: DetectionAnswer, truth: DetectionTruth, tau: float | None = None) -> dict[str, float]:
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
            overlap = calibration = says_nothing_is_there(answer)
        elif answer.detections:
            detections = ranked(answer.detections)
            matches = match_greedy([box for box, _ in detections], truth.boxes, IOU_THRESHOLD if tau is None else tau)
            n_matched = sum(matched is not None for matched, _ in matches)
            n = mean_count(answer, truth)
            overlap = sum(overlap for _, overlap in matches) / n
            calibration = _calibrated_confidence(detections, matches, answer.invalid_confidences) / n
        return detection_total(answer, truth, overlap, calibration, n_matched)

    def classification(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> dict[str, float]:
        """Score the class that an answer names: ``score = 2 accuracy + 0.5 format``.

        - ``accuracy``: 1 if the answer names the label and no other class of the closed set; without a closed set the
          label anywhere in the answer is enough.
        - ``format``: as in `robust`.
        """
        labels = truth.labels or (truth.label,)
        right = match_closed_set(answer.label, labels, truth.aliases) == truth.label
        return classification_total(answer, truth, right)


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
