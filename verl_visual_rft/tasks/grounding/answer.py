# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The boxes that a response gives for an instruction."""

from __future__ import annotations

import re
from dataclasses import dataclass

from verl_visual_rft.answers.absence import says_nothing
from verl_visual_rft.answers.answer import EXTENT, NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.notations import (
    PAIR,
    Written,
    find_list,
    find_list_or_nothing,
    half_width,
    judged_box,
    read_pairs,
)
from verl_visual_rft.answers.objects import is_empty_list, read_objects
from verl_visual_rft.answers.tags import split_tags
from verl_visual_rft.boxes import Box

_LOOSE = "corners with decimals, with signs or without a comma between"
_AS_OBJECT, _AS_OBJECTS = "the box is written as an object", "boxes written as objects"
# Boxes one after another, a semicolon, a comma or white space between.
_PAIRS = re.compile(rf"{PAIR.pattern}(?:(?:\s*[;,]\s*|\s+){PAIR.pattern})*")


@dataclass(frozen=True)
class GroundingAnswer(Answer):
    """What a response answers to a grounding question.

    Attributes:
        boxes: The valid boxes in the order of the answer.
        invalid: Number of boxes that are not valid.
        loose: A box is a pair of corners in which the published expression finds none: with decimals, signs, in
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


def parse_grounding(
    response: str, extent: tuple[float, float] = EXTENT, think: bool = True, any_number: bool = False
) -> GroundingAnswer:
    """Read the boxes of a response to a grounding question.

    The last answer block outside the reasoning counts; without answer tags, what follows the reasoning counts if it
    begins as a box does. Text inside the think tags is never read as an answer.

    - Well-formed: ``(x1,y1),(x2,y2)`` of whole numbers, with any white space.
    - Repaired: other notations and damaged tags; docs/answers.md lists them all.
    - Malformed: not exactly one box, or it is not valid. A bare list ``[400, 400, 600, 600]`` is no box: its numbers
      may be anything.

    Where any number of boxes is asked for:

    - Well-formed: such boxes one after another, a semicolon, a comma or white space between.
    - Repaired: beside the above, a part of the boxes.
    - No objects: "No Objects", words to that effect (`says_nothing`), or an empty list.
    - Malformed: no valid box.

    Args:
        response: Any text.
        extent: Upper ends of the coordinates, ``(x, y)``.
        think: Whether the prompt asks for thinking before the answer.
        any_number: Whether the prompt says that there may be none or several boxes; else it asks for one.

    Returns:
        The typed answer. Where one box is asked for, its ``box`` is None exactly if it is malformed or there is no
        answer.

    Example:
        >>> parse_grounding("<think> left </think> <answer>(10,20),(300,400)</answer>").box
        (10.0, 20.0, 300.0, 400.0)
        >>> parse_grounding("<answer>(1,2),(3,4); (5,6),(7,8)</answer>", any_number=True).boxes
        ((1.0, 2.0, 3.0, 4.0), (5.0, 6.0, 7.0, 8.0))
    """
    tagged = split_tags(response, think)
    text, faults = find_list_or_nothing(tagged) if any_number else find_list(tagged)
    if text is None:
        return GroundingAnswer(Outcome.NO_ANSWER, NO_ANSWER_REASON, tagged.has_format, tagged.thinking, (), 0, False)
    narrow, width_fault = half_width(text)
    if any_number and (says_nothing(narrow) or is_empty_list(narrow)):
        reason = "; ".join(faults)
        return GroundingAnswer(Outcome.NO_OBJECTS, reason, tagged.has_format, tagged.thinking, (), 0, False)

    written, notation_fault = _read_boxes(narrow) if any_number else _read_box(narrow)
    faults += [fault for fault in (width_fault, notation_fault) if fault]
    judged = [judged_box(box.position, extent) for box in written]
    if any(was_moved for _, was_moved in judged):
        faults.append("clipped to the picture")
    boxes = tuple(box for box, _ in judged if box is not None)
    invalid = len(judged) - len(boxes)

    if any_number and boxes and invalid:
        faults.append(f"{invalid} of {len(judged)} boxes invalid")
    outcome = Outcome.REPAIRED if faults else Outcome.WELL_FORMED
    if not boxes or (not any_number and len(judged) != 1):
        outcome = Outcome.MALFORMED
        faults = [f"{len(judged)} boxes, {invalid} of them invalid" if judged else "no box in a known notation"]
    # In the text as it stands: full-width punctuation elsewhere hides no pair from the published expression.
    as_objects = notation_fault in (_AS_OBJECT, _AS_OBJECTS)
    loose = notation_fault == _LOOSE or not (as_objects or PAIR.search(text))
    return GroundingAnswer(outcome, "; ".join(faults), tagged.has_format, tagged.thinking, boxes, invalid, loose)


def _read_box(text: str) -> tuple[list[Written], str]:
    """Return the boxes that are written in a text, of which one is due, and what is amiss with how they are."""
    if PAIR.fullmatch(text):
        return read_pairs(text, PAIR), ""
    if objects := _read_outer_objects(text):
        return objects, _AS_OBJECT
    if written := read_pairs(text, PAIR):
        return written, "text around the box"
    if written := read_pairs(text):
        return written, _LOOSE
    return read_objects(text), _AS_OBJECT


def _read_boxes(text: str) -> tuple[list[Written], str]:
    """The same where any number is due: a box in a loose notation beside others is one of them."""
    if _PAIRS.fullmatch(text):
        return read_pairs(text, PAIR), ""
    if objects := _read_outer_objects(text):
        return objects, _AS_OBJECTS
    if written := read_pairs(text):
        strict = len(read_pairs(text, PAIR)) == len(written)
        return written, "text around the boxes" if strict else _LOOSE
    return read_objects(text), _AS_OBJECTS


def _read_outer_objects(text: str) -> list[Written]:
    """Return the objects that a text is made of; to be asked before pairs, which may stand in the label of one."""
    objects = read_objects(text) if text.startswith(("{", "[")) else []
    return objects if any(type(box.position) is list for box in objects) else []
