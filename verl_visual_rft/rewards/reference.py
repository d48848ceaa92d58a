# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The rewards of the published code, bug for bug, for comparison with it.

What is reproduced is the behaviour of ``grpo.py``, ``grpo_classification.py`` and ``grpo_lisa.py`` in
``src/virft/src/open_r1`` of github.com/Liuziyu77/Visual-RFT at revision 9486633. It reads responses in its own way, so
neither the parser of `verl_visual_rft.answers` nor the geometry of `verl_visual_rft.boxes` has a part in it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from threading import current_thread, main_thread
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.truths import ClassificationTruth, DetectionTruth, GroundingTruth

#: A prediction hits when its IoU is above this; equal is a miss.
IOU_THRESHOLD = 0.5

_THINK_THEN_ANSWER = re.compile(r"</think>\s*<answer>")
_CORNERS = re.compile(r"\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*,\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)")

# What reading and scoring an answer of any shape can raise. The published code takes any exception as a wrong answer.
_WRONG_ANSWER = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)


class ReferenceReward:
    """The published code, bug for bug; for comparison only, it is easily gamed.

    Args:
        symbolic_check: Begin as the published code does: when math-verify finds response and solution equal, the
            accuracy terms are 1 and nothing else is looked at. It compares one number of each text (for detection y1
            of the first boxes), so it pays for coincidences. ``False`` is the same code without that step.

    Raises:
        UserError: math-verify is not installed, and `symbolic_check` asks for it.
    """

    # Grounding has no bounds: GIoU is taken of inverted and distant boxes as they are.
    range = {"detection": (0.0, 3.0), "classification": (0.0, 2.0)}
    weights = {
        "detection": {"iou": 1.0, "confidence": 1.0, "format": 1.0},
        "classification": {"accuracy": 1.0, "format": 1.0},
        "grounding": {"accuracy": 1.0, "format": 1.0},
    }
    iou_threshold = math.nextafter(IOU_THRESHOLD, 1.0)

    def __init__(self, symbolic_check: bool = True) -> None:
        self.symbolic_check = symbolic_check
        #: The symbolic check may take its time, so training runs it in a process of its own, which can be ended.
        self.trusted = not symbolic_check
        if symbolic_check:
            _require_math_verify()

    def detection(self, response: str, truth: DetectionTruth) -> dict[str, float]:
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
        if self._passes_symbolic_check(response, truth.solution):
            iou, confidence = 1.0, 1.0
        else:
            iou, confidence = _detection_accuracy(response, truth.solution)
        components = {"iou": iou, "confidence": confidence, "format": _has_format(response)}
        return _total(components, may_be_nan=True)

    def classification(self, response: str, truth: ClassificationTruth) -> dict[str, float]:
        """Score a classification response: ``score = accuracy + format`` (grpo_classification.py).

        - ``accuracy``: 1 if the answer contains the class name or the class name the answer, spaces, underscores and
          case ignored (so the empty answer is right); 1 if the symbolic check fires. Without an answer block on one
          line the whole response is the answer.
        - ``format``: 1 if the whole response is think tags, then answer tags, with no white space around them.
        """
        right = self._passes_symbolic_check(response, truth.solution) or _either_contains(response, truth.solution)
        return _total({"accuracy": float(right), "format": _has_format(response)})

    def grounding(self, response: str, truth: GroundingTruth) -> dict[str, float]:
        """Score a grounding response: ``score = accuracy + format`` (grpo_lisa.py).

        - ``accuracy``: GIoU + 1, 0 without a box ``(x1,y1),(x2,y2)`` of integers; 1 if the symbolic check fires. Not
          bounded: corners are taken as they come, and of several boxes the first corners of the first two.
        - ``format``: 1 if the whole response is think tags, then answer tags, with no white space around them.
        - ``nan``: 1 where the published code yields NaN or infinity; accuracy is 0 here.
        """
        if self._passes_symbolic_check(response, truth.solution):
            accuracy = 1.0
        else:
            accuracy = _grounding_accuracy(response, truth.solution)
        return _total({"accuracy": accuracy, "format": _has_format(response)}, may_be_nan=True)

    def _passes_symbolic_check(self, response: str, solution: str) -> bool:
        return self.symbolic_check and _equal_symbolically(response, solution)


def _total(components: dict[str, float], may_be_nan: bool = False) -> dict[str, float]:
    """Return the components and their sum; those that are not finite become 0 and are reported."""
    finite = {name: value if math.isfinite(value) else 0.0 for name, value in components.items()}
    result = {"score": sum(finite.values()), **finite}
    if may_be_nan:
        result["nan"] = float(finite != components)
    return result


def _has_format(response: str) -> float:
    r"""Return whether all of it matches ``<think>.*?</think>\s*<answer>.*?</answer>``, in linear time."""
    if not (response.startswith("<think>") and response.endswith("</answer>")):
        return 0.0
    between = _THINK_THEN_ANSWER.search(response, len("<think>"), len(response) - len("</answer>"))
    return float(between is not None)


def _answer_text(text: str, across_lines: bool = False) -> str:
    """Return the first answer block, be it in the reasoning; the whole text when there is none.

    A block of several lines is none, unless it may go across lines.
    """
    for part in [text] if across_lines else text.split("\n"):
        block, closing_tag, _ = part.partition("<answer>")[2].partition("</answer>")
        if closing_tag:
            return block.strip()
    return text.strip()


# --- The symbolic check ----------------------------------------------------------------------------------------------


def _require_math_verify() -> None:
    try:
        import math_verify  # noqa: F401  # it loads SymPy: only who asks for the check pays for it
    except ImportError as error:
        raise UserError(
            f"the reward 'reference' needs math-verify, which cannot be imported ({error}): "
            "pip install 'verl-visual-rft[reference]'"
        ) from error


def _equal_symbolically(response: str, solution: str) -> bool:
    from math_verify import parse, verify

    # math-verify ends what takes longer than this (``9**9**9``) by a signal, which only a main thread gets; elsewhere
    # it refuses to work with a limit, and without one such a response is never done: see `ReferenceReward.trusted`.
    seconds = 5 if current_thread() is main_thread() else None
    try:
        answer = parse(response, parsing_timeout=seconds)
        return float(verify(answer, parse(solution, parsing_timeout=seconds), timeout_seconds=seconds)) > 0
    except Exception:  # the published code goes on whatever math-verify and SymPy raise
        return False


# --- Detection: grpo.py ----------------------------------------------------------------------------------------------


def _detection_accuracy(response: str, solution: str) -> tuple[float, float]:
    try:
        truths = _read_boxes(solution)
        predictions = _read_boxes(_retagged(response))
        if predictions is None or type(predictions[0]) is not dict:
            return 0.0, 0.0
        matches = _match(truths, _without_duplicates(predictions))
        return _mean_iou(matches, len(truths)), _mean_confidence(matches)
    except _WRONG_ANSWER:
        return 0.0, 0.0


def _retagged(response: str) -> str:
    """Return the answer in tags again, double brackets and line breaks taken out."""
    answer = _answer_text(response).replace("[[", "[").replace("]]", "]").replace("\n", "")
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


# --- Classification: grpo_classification.py --------------------------------------------------------------------------


def _either_contains(response: str, solution: str) -> bool:
    answer, name = (_answer_text(text).replace(" ", "").replace("_", "").lower() for text in (response, solution))
    return name in answer or answer in name


# --- Grounding: grpo_lisa.py -----------------------------------------------------------------------------------------


def _grounding_accuracy(response: str, solution: str) -> float:
    answer, expected = _answer_text(response, across_lines=True), _answer_text(solution)
    if answer == expected:
        return 2.0
    try:
        return _giou(_corners(expected), _corners(answer)) + 1
    except _WRONG_ANSWER:  # no box found, or numbers too large for a float
        return 0.0


def _corners(text: str) -> list[tuple[float, float]]:
    """Return the first corners of all boxes, then the second corners of all, by 1000.

    The first two are taken as a box, which with two boxes or more are both first corners.
    """
    boxes = [tuple(int(number) / 1000 for number in match.groups()) for match in _CORNERS.finditer(text)]
    return [(box[0], box[1]) for box in boxes] + [(box[2], box[3]) for box in boxes]


def _giou(truth: Sequence[tuple[float, float]], prediction: Sequence[tuple[float, float]]) -> float:
    """Return the GIoU of corners as they come: an inverted box has a hull smaller than its area, or a negative area.

    The hull always has an area, that of the truth at least.
    """
    (truth_x1, truth_y1), (truth_x2, truth_y2) = truth[0], truth[1]
    (x1, y1), (x2, y2) = prediction[0], prediction[1]
    width = max(0, min(truth_x2, x2) - max(truth_x1, x1))
    height = max(0, min(truth_y2, y2) - max(truth_y1, y1))
    union = (truth_x2 - truth_x1) * (truth_y2 - truth_y1) + (x2 - x1) * (y2 - y1) - width * height
    overlap = width * height / union if union > 0 else 0.0
    hull = (max(truth_x2, x2) - min(truth_x1, x1)) * (max(truth_y2, y2) - min(truth_y1, y1))
    return overlap - (hull - union) / hull
