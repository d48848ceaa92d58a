# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The published code's reward for detection (``grpo.py``), bug for bug; see `published_code`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from verl_visual_rft.tasks.detection.answer import DetectionAnswer
from verl_visual_rft.tasks.detection.matching import match
from verl_visual_rft.tasks.detection.truth import DetectionTruth
from verl_visual_rft.tasks.matching import Report
from verl_visual_rft.tasks.published_code import (
    WRONG_ANSWER,
    SymbolicCheck,
    answer_text,
    has_published_format,
    published_total,
)

#: A prediction hits when its IoU is above this; equal is a miss.
IOU_THRESHOLD = 0.5


class Reference(SymbolicCheck):
    """The published code, bug for bug; for comparison only, it is easily gamed."""

    range = (0.0, 3.0)
    weights = {"iou": 1.0, "confidence": 1.0, "format": 1.0}

    def __call__(
        self, response: str, truth: DetectionTruth, answer: DetectionAnswer | None = None, report: Report | None = None
    ) -> dict[str, float]:
        """Score a detection response: ``score = iou + confidence + format`` (grpo.py).

        Predictions whose Position was listed before are dropped; the others are matched greedily by descending
        Confidence and hit when ``IoU > 0.5``.

        - ``iou``: sum of the IoU of the hits / max(predictions, truths), at most 1; 1 if the symbolic check fires.
        - ``confidence``: mean over predictions of c for a hit and 1 - c for a miss, the mean clipped to [0, 1];
          1 if the symbolic check fires.
        - ``format``: 1 if the whole response is think tags, then answer tags, with no white space around them.
        - ``nan``: 1 where the published code yields NaN; the term in question is 0 here.

        Everything that cannot be read as it expects earns iou 0 and confidence 0: "No Objects" (right or wrong), an
        answer of several lines, one bad box among good ones.
        """
        if (
            answer is not None and report is not None
        ):  # of the boxes as we read them: those of the published code may be no boxes
            match(answer, truth, math.nextafter(IOU_THRESHOLD, 1.0), report)
        if self.passes_symbolic_check(response, truth.solution):
            iou, confidence = 1.0, 1.0
        else:
            iou, confidence = _detection_accuracy(response, truth.solution)
        components = {"iou": iou, "confidence": confidence, "format": has_published_format(response)}
        return published_total(components, may_be_nan=True)


def _detection_accuracy(response: str, solution: str) -> tuple[float, float]:
    try:
        truths = _read_boxes(solution)
        predictions = _read_boxes(_retagged(response))
        if predictions is None or type(predictions[0]) is not dict:
            return 0.0, 0.0
        matches = _match(truths, _without_duplicates(predictions))
        return _mean_iou(matches, len(truths)), _mean_confidence(matches)
    except WRONG_ANSWER:
        return 0.0, 0.0


def _retagged(response: str) -> str:
    """Return the answer in tags again, double brackets and line breaks taken out."""
    answer = answer_text(response).replace("[[", "[").replace("]]", "]").replace("\n", "")
    return f"<answer>{answer}</answer>"


def _read_boxes(text: str) -> Any:
    """Return the JSON between the first answer tags, None if it is none.

    What does not end in a bracket counts as cut off: all behind its last ``},`` goes, or nothing if there is no such,
    and ``}]`` is added. Every single quote becomes a double one. NaN and Infinity are numbers here.
    """
    content = text[text.find("<answer>") + len("<answer>") : text.find("</answer>")]
    if not content.endswith("]"):
        content = content.rpartition("},")[0] or content
        content += "}]"
    try:
        return json.loads(content.replace("'", '"'))
    except json.JSONDecodeError:
        return None


def _without_duplicates(predictions: Sequence[Any]) -> list[Any]:
    """Keep the first prediction of each Position, not the most confident."""
    first: dict[tuple[Any, ...], Any] = {}
    for prediction in predictions:
        first.setdefault(tuple(prediction["Position"]), prediction)
    return list(first.values())


def _match(truths: Sequence[Any], predictions: Sequence[Any]) -> list[tuple[float, Any]]:
    """Return the IoU (0 for a miss) and Confidence of each prediction, by descending Confidence.

    A prediction that finds no truth left is never looked at: it may be no box at all.
    """
    matches = []
    taken: set[int] = set()
    for prediction in sorted(predictions, key=lambda prediction: prediction["Confidence"], reverse=True):
        best, best_iou = -1, 0.0
        for index, truth in enumerate(truths):
            if index not in taken:
                overlap = _iou(truth["Position"], prediction["Position"])
                if overlap > best_iou:
                    best, best_iou = index, overlap
        if best_iou > IOU_THRESHOLD:
            taken.add(best)
            matches.append((best_iou, prediction["Confidence"]))
        else:
            matches.append((0.0, prediction["Confidence"]))
    return matches


def _iou(truth: Sequence[Any], prediction: Sequence[Any]) -> float:
    """Return the IoU of anything with four coordinates: not ordered, not in range, perhaps not finite."""
    truth_x1, truth_y1, truth_x2, truth_y2 = truth
    x1, y1, x2, y2 = prediction
    left, top = max(truth_x1, x1), max(truth_y1, y1)
    right, bottom = min(truth_x2, x2), min(truth_y2, y2)
    if right <= left or bottom <= top:
        return 0.0
    intersection = (right - left) * (bottom - top)
    areas = (truth_x2 - truth_x1) * (truth_y2 - truth_y1) + (x2 - x1) * (y2 - y1)
    overlap: float = intersection / (areas - intersection)
    return overlap


def _mean_iou(matches: Sequence[tuple[float, Any]], n_truths: int) -> float:
    """Return the sum of the IoU by the larger number, where Eq. 6 has the number of predictions."""
    total = 0.0
    for overlap, _ in matches:
        total += overlap
    return min(total / max(len(matches), n_truths), 1.0)


def _mean_confidence(matches: Sequence[tuple[float, Any]]) -> float:
    """Return the mean of Eq. 9, clipped only as a whole: one value out of range makes up for others. NaN stays."""
    total = 0.0
    for overlap, confidence in matches:
        total += confidence if overlap else 1 - confidence
    mean = total / len(matches)
    return 1.0 if mean > 1 else 0.0 if mean < 0 else mean
