# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Our reward for real use: no answer that is worse for a user may pay more."""

from __future__ import annotations

import re
from collections.abc import Sequence

from verl_visual_rft.answers import Detection, DetectionAnswer, Outcome
from verl_visual_rft.boxes import Box, match_greedy

#: A box with less overlap is not on the object. Low, so that a poor box still tells the learner which way to go;
#: not 0, so that a box over the whole image earns nothing for a small object.
IOU_THRESHOLD = 0.1
#: Weights of the components in the total. Boxes count most: without them nothing else is worth having.
WEIGHTS = {"iou": 2.0, "confidence": 0.5, "format": 0.5}

_LETTER = re.compile(r"[^\W\d_]")
_TEMPLATES = {"thinking process", "the thinking process"}


class RobustReward:
    """Bounded components that pay for what a user gets; the total weighs them 2, 0.5 and 0.5."""

    range = (0.0, sum(WEIGHTS.values()))

    def detection(self, answer: DetectionAnswer, truths: Sequence[Box]) -> dict[str, float]:
        """Score a detection answer: ``score = 2 iou + 0.5 confidence + 0.5 format``, each component in [0, 1].

        Predictions are matched greedily by descending confidence, as COCO's evaluation does, at IoU >= 0.1.
        H are the hits (with IoU u and confidence c), M the misses, N = max(predictions, truths); a box that is not
        valid is a miss; a confidence that is missing or not valid earns nothing on a hit and counts as 1 on a miss.

        - ``iou = sum_H u / N``. No threshold at 0.5, so it rises with every pixel gained. N counts missed objects
          (the paper's denominator does not: one sure box of five would earn all) and surplus boxes: a duplicate or
          a flood only enlarges it, and a second guess for one object earns no more than it costs.
        - ``confidence = max(0, sum_H u (1 - (c - u)^2) - sum_M c^2) / N``. Best at c = u, so boxes rank by quality.
          It is earned by hits only: where calibration on misses is paid, a weak model learns to place any box
          with confidence 0. Misses take from it what they claim, never below 0.
        - ``format``: 1 for think tags, then answer tags, with reasoning that has words of its own (empty or copied
          ``...`` earns nothing: paid, it replaces reasoning) and an answer that needed no repair. What is reasoned
          is not judged.

        When nothing is there, iou and confidence are 1 for saying "No Objects" and 0 for anything else: a false alarm
        at low confidence is still a false alarm. When something is there, "No Objects" earns neither.

        Invariant under the order of the boxes of the answer, up to truths that a box overlaps equally.
        """
        well_formed = answer.outcome in (Outcome.WELL_FORMED, Outcome.NO_OBJECTS)
        components = {
            "iou": 0.0,
            "confidence": 0.0,
            "format": float(answer.has_format and well_formed and _is_reasoning(answer.thinking)),
        }
        n_matched = 0
        if not truths:
            components["iou"] = components["confidence"] = float(answer.outcome is Outcome.NO_OBJECTS)
        elif answer.detections:
            ranked = sorted(answer.detections, key=_rank)
            matches = match_greedy([detection.box for detection in ranked], truths, IOU_THRESHOLD)
            n_matched = sum(truth is not None for truth, _ in matches)
            larger = max(len(answer.detections) + answer.invalid, len(truths))
            components["iou"] = sum(overlap for _, overlap in matches) / larger
            claimed = sum(_claim(confidence) for confidence in answer.invalid_confidences)
            calibrated = 0.0
            for (_, confidence), (truth, overlap) in zip(ranked, matches, strict=True):
                if truth is None:
                    claimed += _claim(confidence)
                elif confidence is not None:
                    calibrated += overlap * (1 - (confidence - overlap) ** 2)
            components["confidence"] = max(0.0, calibrated - claimed) / larger
        total = sum(WEIGHTS[name] * value for name, value in components.items())
        return {"score": total, **components, "n_matched": float(n_matched)}


def _rank(detection: Detection) -> tuple[float, Box]:
    """Sort key: most confident first, ties by place so that the order of the answer does not matter."""
    box, confidence = detection
    return (1.0 if confidence is None else -confidence, box)


def _claim(confidence: float | None) -> float:
    """What a miss takes away: its squared confidence; one that hides its confidence is taken as sure."""
    return 1.0 if confidence is None else confidence**2


def _is_reasoning(thinking: str) -> bool:
    """Whether the text between the think tags has a word and is not the prompt's own wording."""
    return _LETTER.search(thinking) is not None and thinking.strip(" \n.…").lower() not in _TEMPLATES
