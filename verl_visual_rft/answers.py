# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The one parser: response text in, typed answer out, for training and evaluation alike.

It is total (any text gives an answer, nothing raises), linear in the length of the text, and strict about what it
accepts as a box while lenient about how the list around it is written.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from verl_visual_rft.boxes import Box

#: Boxes read from one answer (LVIS evaluates as many in a whole image); what follows counts as invalid, unread.
MAX_BOXES = 300
#: Upper end of the answer's coordinate range, on both axes.
MAX_COORDINATE = 1000.0


class Outcome(str, Enum):
    """How reading an answer ended."""

    WELL_FORMED = "well_formed"
    """A list of Position and Confidence exactly as the prompt asks for, every box valid."""
    REPAIRED = "repaired"
    """At least one valid box, but something was amiss with the list, a box or a confidence."""
    NO_OBJECTS = "no_objects"
    """The answer says that there is nothing to detect."""
    MALFORMED = "malformed"
    """There is an answer, but not one valid box in it."""
    NO_ANSWER = "no_answer"
    """Nothing outside the reasoning looks like an answer."""


class Detection(NamedTuple):
    """One valid box and its confidence.

    Attributes:
        box: ``(x1, y1, x2, y2)``, finite, ``0 <= x1 < x2 <= 1000`` and ``0 <= y1 < y2 <= 1000``.
        confidence: In [0, 1]; None when the answer gives none that is.
    """

    box: Box
    confidence: float | None


@dataclass(frozen=True)
class DetectionAnswer:
    """What a response answers to a detection question.

    Attributes:
        outcome: How reading it ended.
        reason: What was repaired or is wrong, for people; empty when well-formed.
        detections: The valid boxes in the order of the answer.
        invalid_confidences: One entry for each box that is not valid: its confidence in [0, 1], or None.
        has_format: The response is ``<think>...</think> <answer>...</answer>`` and nothing else but white space.
        thinking: The text between the think tags before the answer, without tags that it mentions.
    """

    outcome: Outcome
    reason: str
    detections: tuple[Detection, ...]
    invalid_confidences: tuple[float | None, ...]
    has_format: bool
    thinking: str

    @property
    def invalid(self) -> int:
        """Number of boxes that are not valid."""
        return len(self.invalid_confidences)


def parse_detection(response: str) -> DetectionAnswer:
    """Read the boxes of a response to a detection question.

    The last answer block outside the reasoning counts; without answer tags, what follows the reasoning counts if it
    begins as a list or says "No Objects". Text inside the think tags is never read as an answer.
    Quotes may be single or double. Repaired: ``, ...`` copied from the prompt, text around the list, missing or surplus
    brackets, keys in another case, Qwen's ``bbox_2d``, an answer cut off (its complete boxes are kept).

    Args:
        response: Any text.

    Returns:
        The typed answer.

    Example:
        >>> answer = parse_detection("<think> red </think> <answer>[{'Position': [1, 2, 3, 4], 'Confidence': 0.5}]")
        >>> answer.outcome.value, answer.reason
        ('repaired', 'the answer tag is not closed')
        >>> answer.detections
        (Detection(box=(1.0, 2.0, 3.0, 4.0), confidence=0.5),)
    """
    thinking, body, tags_fault = _split(response)
    has_format = _has_format(response)
    if body is None:
        return DetectionAnswer(Outcome.NO_ANSWER, "no answer outside the reasoning", (), (), has_format, thinking)
    body = body.strip()
    if _NO_OBJECTS.fullmatch(body):
        return DetectionAnswer(Outcome.NO_OBJECTS, tags_fault, (), (), has_format, thinking)

    list_fault = ""
    items = _read_strict(body)
    if items is None:
        list_fault = "the answer is not a plain list of Position and Confidence"
        items = _read_lenient(body)
    detections: list[Detection] = []
    invalid: list[float | None] = []
    unsure = 0
    for position, confidence in items[:MAX_BOXES]:
        box, sure = _box(position), _confidence(confidence)
        if box is None:
            invalid.append(sure)
        else:
            detections.append(Detection(box, sure))
            unsure += sure is None
    invalid.extend([None] * (len(items) - MAX_BOXES))

    faults = [fault for fault in (tags_fault, list_fault) if fault]
    if invalid:
        faults.append(f"{len(invalid)} of {len(items)} boxes invalid")
    if unsure:
        faults.append(f"{unsure} of {len(items)} boxes without a valid confidence")
    if not detections:
        outcome = Outcome.MALFORMED
    else:
        outcome = Outcome.REPAIRED if faults else Outcome.WELL_FORMED
    return DetectionAnswer(outcome, "; ".join(faults), tuple(detections), tuple(invalid), has_format, thinking)


_TAG = re.compile(r"(</?(?:think|answer)>)")
_THINK_THEN_ANSWER = re.compile(r"</think>\s*<answer>")
_NO_OBJECTS = re.compile(
    r"""[\s\[({'"*]*  (?: no[\s_]+objects? | none | nothing )  (?:\s+(?:were\s+|was\s+)?(?:found|detected|present))?
        [\s\])}'"*.!]* | \[\s*\]""",
    re.IGNORECASE | re.VERBOSE,
)
_OBJECT = re.compile(r"\{[^{}:]*:[^{}]*\}?")
_POSITION = re.compile(r"""(?:position|bbox_2d)['"\s]*:\s*\[([^\[\]]*)""", re.IGNORECASE)
_CONFIDENCE = re.compile(r"""confidence['"\s]*:[\s'"]*([-+.\w]+)""", re.IGNORECASE)
# Every number as a float: the digits of an integer would be read in quadratic time and refused beyond 4300.
_JSON = json.JSONDecoder(parse_int=float)


def _has_format(response: str) -> bool:
    r"""Full match of ``<think>.*?</think>\s*<answer>.*?</answer>`` (DOTALL, outer white space ignored), linear."""
    text = response.strip()
    if not (text.startswith("<think>") and text.endswith("</answer>")):
        return False
    return _THINK_THEN_ANSWER.search(text, len("<think>"), len(text) - len("</answer>")) is not None


def _split(response: str) -> tuple[str, str | None, str]:
    """Split a response into its reasoning, the body of its last answer (None: no answer), and a fault of the tags."""
    pieces = _TAG.split(response)  # text, tag, text, tag, ..., text
    thinking = ""
    body: str | None = None
    fault = ""
    bare = pieces[0]  # what may stand for an answer without tags
    before_thinking: tuple[str | None, str] = (None, "")
    opened: int | None = 0  # a chat template may have opened the reasoning before the response begins
    for i in range(1, len(pieces), 2):
        tag, text = pieces[i], pieces[i + 1]
        if tag == "<answer>":
            closed = i + 2 < len(pieces) and pieces[i + 2] == "</answer>"
            body, fault = text, "" if closed else "the answer tag is not closed"
        elif tag == "<think>" and not opened:
            opened = i + 1
            before_thinking = body, fault
        elif tag == "</think>" and opened is not None:
            thinking = "".join(pieces[opened:i:2])
            body, fault = before_thinking  # an answer inside the reasoning is reasoning
            opened = None
            bare = text
    if body is None and (bare.lstrip().startswith(("[", "{", "`")) or _NO_OBJECTS.fullmatch(bare.strip())):
        return thinking, bare, "no answer tags"
    return thinking, body, fault


def _read_strict(body: str) -> list[tuple[Any, Any]] | None:
    """Read a JSON list of objects with Position, in either kind of quotes; None if it is anything else."""
    try:
        items = _JSON.decode(body.replace("'", '"'))
    except (ValueError, RecursionError):
        return None
    if type(items) is not list or not all(type(item) is dict and "Position" in item for item in items):
        return None
    return [(item["Position"], item.get("Confidence")) for item in items]


def _read_lenient(body: str) -> list[tuple[Any, Any]]:
    """Read every ``{...}`` that holds a key, whatever stands around it; one cut off at the end is left out."""
    items: list[tuple[Any, Any]] = []
    for match in _OBJECT.finditer(body):
        text = match.group()
        if len(items) >= MAX_BOXES:
            items.extend([(None, None)] * body.count("{", match.start()))
            break
        if match.end() == len(body) and not text.endswith("}"):
            continue
        position, confidence = _POSITION.search(text), _CONFIDENCE.search(text)
        items.append((position and position[1].split(","), confidence and confidence[1]))
    return items


def _number(value: Any) -> float:
    """Return a JSON number or the number that a string spells; NaN for anything else."""
    if type(value) is float:
        return value
    if type(value) is str:
        try:
            return float(value.strip(" '\""))
        except ValueError:
            pass
    return math.nan


def _box(position: Any) -> Box | None:
    if type(position) is not list or len(position) != 4:
        return None
    x1, y1, x2, y2 = map(_number, position)
    if 0 <= x1 < x2 <= MAX_COORDINATE and 0 <= y1 < y2 <= MAX_COORDINATE:  # false for NaN and infinity
        return (x1, y1, x2, y2)
    return None


def _confidence(value: Any) -> float | None:
    confidence = _number(value)
    return confidence if 0 <= confidence <= 1 else None
