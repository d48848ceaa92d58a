# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The box that a response gives for an instruction."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.answers.answer import EXTENT, NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.notations import (
    PAIR,
    Written,
    clipped_box,
    find_list,
    half_width,
    read_pairs,
    valid_box,
)
from verl_visual_rft.answers.objects import read_objects
from verl_visual_rft.answers.tags import split_tags
from verl_visual_rft.boxes import Box

_LOOSE = "corners with decimals, with signs or without a comma between"
_AS_OBJECT = "the box is written as an object"


@dataclass(frozen=True)
class GroundingAnswer(Answer):
    """What a response answers to a grounding question.

    Attributes:
        boxes: The valid boxes in the order of the answer.
        invalid: Number of boxes that are not valid.
        loose: The box is a pair of corners in which the published expression finds none: with decimals, signs, in
            full-width characters or without the comma between.
    """

    boxes: tuple[Box, ...]
    invalid: int
    loose: bool

    @property
    def n_boxes(self) -> int:
        """Number of boxes answered, valid or not."""
        return len(self.boxes) + self.invalid

    @property
    def box(self) -> Box | None:
        """The one box of the answer; None when it is not exactly one and valid."""
        return self.boxes[0] if len(self.boxes) == 1 and not self.invalid else None


def parse_grounding(response: str, extent: tuple[float, float] = EXTENT, think: bool = True) -> GroundingAnswer:
    """Read the box of a response to a grounding question.

    The last answer block outside the reasoning counts; without answer tags, what follows the reasoning counts if it
    begins as a box does. Text inside the think tags is never read as an answer.

    - Well-formed: ``(x1,y1),(x2,y2)`` of whole numbers, with any white space.
    - Repaired: other notations and damaged tags; docs/answers.md lists them all.
    - Malformed: not exactly one box, or it is not valid. A bare list ``[400, 400, 600, 600]`` is no box: its numbers
      may be anything.

    Args:
        response: Any text.
        extent: Upper ends of the coordinates, ``(x, y)``.
        think: Whether the prompt asks for thinking before the answer.

    Returns:
        The typed answer; its ``box`` is None exactly if it is malformed or there is no answer.

    Example:
        >>> parse_grounding("<think> left </think> <answer>(10,20),(300,400)</answer>").box
        (10.0, 20.0, 300.0, 400.0)
    """
    tagged = split_tags(response, think)
    text, faults = find_list(tagged)
    if text is None:
        return GroundingAnswer(Outcome.NO_ANSWER, NO_ANSWER_REASON, tagged.has_format, tagged.thinking, (), 0, False)

    narrow, width_fault = half_width(text)
    written, notation_fault = _read_box(narrow)
    faults += [fault for fault in (width_fault, notation_fault) if fault]
    judged = [valid_box(box.position, extent) for box in written]
    if None in judged:
        repaired = [box or clipped_box(given.position, extent) for box, given in zip(judged, written, strict=True)]
        if repaired != judged:
            judged = repaired
            faults.append("clipped to the picture")
    boxes = tuple(box for box in judged if box is not None)
    invalid = len(judged) - len(boxes)

    outcome = Outcome.REPAIRED if faults else Outcome.WELL_FORMED
    if len(judged) != 1 or invalid:
        outcome = Outcome.MALFORMED
        faults = [f"{len(judged)} boxes, {invalid} of them invalid" if judged else "no box in a known notation"]
    # In the text as it stands: full-width punctuation elsewhere hides no pair from the published expression.
    loose = notation_fault != _AS_OBJECT and not PAIR.search(text)
    return GroundingAnswer(outcome, "; ".join(faults), tagged.has_format, tagged.thinking, boxes, invalid, loose)


def _read_box(text: str) -> tuple[list[Written], str]:
    """Return the boxes that are written in a text, of which one is due, and what is amiss with how they are."""
    if PAIR.fullmatch(text):
        return read_pairs(text, PAIR), ""
    objects = read_objects(text) if text.startswith(("{", "[")) else []
    if any(type(box.position) is list for box in objects):  # before pairs, which may stand in its label
        return objects, _AS_OBJECT
    if written := read_pairs(text, PAIR):
        return written, "text around the box"
    if written := read_pairs(text):
        return written, _LOOSE
    return objects or read_objects(text), _AS_OBJECT
