# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The boxes that a response detects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from verl_visual_rft.answers.absence import says_nothing
from verl_visual_rft.answers.answer import EXTENT, NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.notations import (
    MAX_BOXES,
    Written,
    find_list_or_nothing,
    half_width,
    judged_box,
    read_pairs,
    valid_confidence,
)
from verl_visual_rft.answers.objects import explain_list, is_empty_list, read_objects, read_plain_list
from verl_visual_rft.answers.tags import split_tags
from verl_visual_rft.boxes import Box


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
    - Repaired: other notations, damaged lists, tags or a part of the boxes; docs/answers.md lists them all.
    - No objects: "No Objects", words to that effect (`says_nothing`), or an empty list (`is_empty_list`).
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
    text, faults = find_list_or_nothing(tagged)
    if text is None:
        return DetectionAnswer(Outcome.NO_ANSWER, NO_ANSWER_REASON, tagged.has_format, tagged.thinking, (), ())
    narrow = half_width(text)[0]
    if says_nothing(narrow) or is_empty_list(narrow):
        return DetectionAnswer(Outcome.NO_OBJECTS, "; ".join(faults), tagged.has_format, tagged.thinking, (), ())

    boxes, notation_faults = _read_boxes(text)
    faults += notation_faults
    detections: list[Detection] = []
    invalid: list[float | None] = []
    unsure = clipped = 0
    for position, written_confidence, _ in boxes[:MAX_BOXES]:
        (box, moved), confidence = judged_box(position, extent), valid_confidence(written_confidence)
        clipped += moved
        if box is None:
            invalid.append(confidence)
        else:
            detections.append(Detection(box, confidence))
            unsure += confidence is None
    invalid.extend([None] * (len(boxes) - MAX_BOXES))

    if not boxes:
        faults = ["no box in a known notation"]
    if clipped:
        faults.append(f"{clipped} of {len(boxes)} boxes clipped to the picture")
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


def _read_boxes(text: str) -> tuple[list[Written], list[str]]:
    """Return the boxes that are written in a text, and what is amiss with how they are."""
    if plain := read_plain_list(text):
        return plain, []
    narrow, width_fault = half_width(text)
    faults = [width_fault] if width_fault else []
    if boxes := read_objects(narrow, may_be_json=plain is not None or width_fault != ""):
        return boxes, [*faults, explain_list(narrow)]
    return read_pairs(narrow), [*faults, "boxes written as pairs of corners"]
