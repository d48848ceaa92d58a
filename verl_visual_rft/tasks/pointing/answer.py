# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The points that a response gives for an instruction."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.answers.absence import says_nothing
from verl_visual_rft.answers.answer import EXTENT, NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.notations import find_list_or_nothing, half_width
from verl_visual_rft.answers.objects import is_empty_list
from verl_visual_rft.answers.points import MAX_POINTS, Point, clipped_point, read_points, valid_point
from verl_visual_rft.answers.tags import split_tags


@dataclass(frozen=True)
class PointingAnswer(Answer):
    """What a response answers to a pointing question.

    Attributes:
        points: The valid points ``(x, y)`` in the order of the answer.
        invalid: Number of points that are not valid.
    """

    points: tuple[Point, ...]
    invalid: int

    @property
    def n_points(self) -> int:
        """Number of points answered, valid or not."""
        return len(self.points) + self.invalid


def parse_pointing(response: str, extent: tuple[float, float] = EXTENT, think: bool = True) -> PointingAnswer:
    """Read the points of a response to a pointing question.

    The last answer block outside the reasoning counts; without answer tags, what follows the reasoning counts if it
    begins as a list or a point does, or says "No Objects". Text inside the think tags is never read as an answer.

    - Well-formed: a list of ``{"point_2d": [x, y]}`` in either kind of quotes; each may have a text as its "label".
    - Repaired: other JSON, ``(x, y)``, a bare list that is the whole answer, damaged lists and tags (`read_points`), or
      a part of the points.
    - No objects: "No Objects", words to that effect (`says_nothing`), or an empty list.
    - Malformed: no valid point. A box is none: its middle was not answered.

    Args:
        response: Any text.
        extent: Upper ends of the coordinates, ``(x, y)``.
        think: Whether the prompt asks for thinking before the answer.

    Example:
        >>> parse_pointing('<think> left </think> <answer>[{"point_2d": [10, 20]}]</answer>').points
        ((10.0, 20.0),)
    """
    tagged = split_tags(response, think)
    text, faults = find_list_or_nothing(tagged)
    if text is None:
        return PointingAnswer(Outcome.NO_ANSWER, NO_ANSWER_REASON, tagged.has_format, tagged.thinking, (), 0)
    narrow, width_fault = half_width(text)
    if says_nothing(narrow) or is_empty_list(narrow):
        return PointingAnswer(Outcome.NO_OBJECTS, "; ".join(faults), tagged.has_format, tagged.thinking, (), 0)

    written, notation_fault = read_points(text)
    if notation_fault and width_fault:
        written, notation_fault = read_points(narrow)
        faults.append(width_fault)
    if notation_fault:
        faults.append(notation_fault)
    points: list[Point] = []
    clipped = 0
    for position in written[:MAX_POINTS]:
        point = valid_point(position, extent)
        if point is None:
            point = clipped_point(position, extent)
            clipped += point is not None
        if point is not None:
            points.append(point)
    invalid = len(written) - len(points)

    if not written:
        faults = ["no point in a known notation"]
    if clipped:
        faults.append(f"{clipped} of {len(written)} points clipped to the picture")
    if invalid:
        faults.append(f"{invalid} of {len(written)} points invalid")
    outcome = Outcome.MALFORMED
    if points:
        outcome = Outcome.REPAIRED if faults else Outcome.WELL_FORMED
    return PointingAnswer(outcome, "; ".join(faults), tagged.has_format, tagged.thinking, tuple(points), invalid)
