# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The boxes that a response detects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from verl_visual_rft.answers.answer import EXTENT, NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.notations import (
    MAX_BOXES,
    Written,
    explain_list,
    find_list,
    read_objects,
    read_pairs,
    read_plain_list,
    valid_box,
    valid_confidence,
)
from verl_visual_rft.answers.tags import split_tags
from verl_visual_rft.boxes import Box

_NO_OBJECTS = re.compile(
    r"""[\s\[({'"*]*
        (?: (?:there\s(?:is|are)\s)? no[\s_]+objects? | none | nothing )
        (?: \s+ (?:(?:was|were)\s)? (?:found|detected|present|visible) )?
        [\s\])}'"*.!]*
        | \[\s*\]""",
    re.IGNORECASE | re.VERBOSE,
)


class Detection(NamedTuple):
    """One valid box and its confidence.

    Attributes:
        box: ``(x1, y1, x2, y2)``, finite, ``0 <= x1 < x2 <= extent[0]`` and ``0 <= y1 < y2 <= extent[1]``.
        confidence: In [0, 1]; None when the answer gives none that is.
    """

    box: Box
    confidence: float | None


@dataclass(frozen=True)
class DetectionAnswer(Answer):
    """What a response answers to a detection question.

    Attributes:
        detections: The valid boxes in the order of the answer.
        invalid_confidences: One entry for each box that is not valid: its confidence in [0, 1], or None.
    """

    detections: tuple[Detection, ...]
    invalid_confidences: tuple[float | None, ...]

    @property
    def invalid(self) -> int:
        """Number of boxes that are not valid."""
        return len(self.invalid_confidences)

    @property
    def n_boxes(self) -> int:
        """Number of boxes answered, valid or not."""
        return len(self.detections) + len(self.invalid_confidences)


def parse_detection(response: str, extent: tuple[float, float] = EXTENT, think: bool = True) -> DetectionAnswer:
    """Read the boxes of a response to a detection question.

    The last answer block outside the reasoning counts; without answer tags, what follows the reasoning counts if it
    begins as a list or says "No Objects". Text inside the think tags is never read as an answer.

    - Well-formed: a list of ``{'Position': [x1, y1, x2, y2], 'Confidence': c}`` in single or in double quotes, with
      any white space.
    - Repaired: ``, ...`` copied from the prompt, text around the list, missing or surplus brackets, mixed quotes, keys
      in another case, a confidence in quotes or none, Qwen's ``bbox_2d``, pairs ``(x1,y1),(x2,y2)`` (which have no
      confidence), tags not closed, an answer cut off (its complete boxes are kept), some boxes not valid.
    - No objects: "No Objects" and words to that effect, or an empty list.
    - Malformed: no valid box. A bare list ``[x1, y1, x2, y2]`` is none: its numbers may be anything.

    Args:
        response: Any text.
        extent: Upper ends of the coordinates, ``(x, y)``.
        think: Whether the prompt asks for thinking before the answer.

    Returns:
        The typed answer; ``reason`` says what was repaired or is wrong.

    Example:
        >>> answer = parse_detection("<think> red </think> <answer>[{'Position': [1, 2, 3, 4], 'Confidence': 0.5}]")
        >>> answer.outcome.value, answer.reason
        ('repaired', 'the answer tag is not closed')
        >>> answer.detections
        (Detection(box=(1.0, 2.0, 3.0, 4.0), confidence=0.5),)
    """
    tagged = split_tags(response, think)
    text, tags_fault = find_list(tagged)
    if text is None and _NO_OBJECTS.fullmatch(tagged.untagged.strip()):
        text, tags_fault = tagged.untagged.strip(), "no answer tags"
    if text is None:
        return DetectionAnswer(Outcome.NO_ANSWER, NO_ANSWER_REASON, tagged.has_format, tagged.thinking, (), ())
    if _NO_OBJECTS.fullmatch(text):
        return DetectionAnswer(Outcome.NO_OBJECTS, tags_fault, tagged.has_format, tagged.thinking, (), ())

    boxes, notation_fault = _read_boxes(text)
    detections: list[Detection] = []
    invalid: list[float | None] = []
    unsure = 0
    for position, written_confidence in boxes[:MAX_BOXES]:
        box, confidence = valid_box(position, extent), valid_confidence(written_confidence)
        if box is None:
            invalid.append(confidence)
        else:
            detections.append(Detection(box, confidence))
            unsure += confidence is None
    invalid.extend([None] * (len(boxes) - MAX_BOXES))

    faults = [fault for fault in (tags_fault, notation_fault) if fault]
    if not boxes:
        faults = ["no box in a known notation"]
    if invalid:
        faults.append(f"{len(invalid)} of {len(boxes)} boxes invalid")
    if unsure:
        faults.append(f"{unsure} of {len(boxes)} boxes without a valid confidence")
    outcome = Outcome.MALFORMED
    if detections:
        outcome = Outcome.REPAIRED if faults else Outcome.WELL_FORMED
    return DetectionAnswer(
        outcome, "; ".join(faults), tagged.has_format, tagged.thinking, tuple(detections), tuple(invalid)
    )


def _read_boxes(text: str) -> tuple[list[Written], str]:
    """Return the boxes that are written in a text, and what is amiss with how they are."""
    if boxes := read_plain_list(text):
        return boxes, ""
    if boxes := read_objects(text):
        return boxes, explain_list(text)
    return read_pairs(text), "boxes written as pairs of corners"
