# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is true of a grounding question: the box that an instruction means, or several, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.grounding.answer import parse_grounding
from verl_visual_rft.tasks.grounding.prompt import written
from verl_visual_rft.tasks.marks import Mark, box_mark
from verl_visual_rft.tasks.reading import read_box, read_extent, read_list, read_think, unreadable
from verl_visual_rft.tasks.task import Truth

TRUTH_FORM = 'give {"box": [x1, y1, x2, y2]}, or {"boxes": [[x1, y1, x2, y2], ...]} where any number may be meant'


@dataclass(frozen=True)
class GroundingTruth(Truth):
    """The boxes that an instruction means.

    Attributes:
        boxes: Each ``(x1, y1, x2, y2)`` in the answer's coordinates; none means that nothing is meant.
        extent: Upper ends of the answer's coordinates, ``(x, y)``.
        think: Whether the prompt asks for a thinking process before the answer.
        any_number: Whether the prompt says that there may be none or several; else it asks for the one box, as the
            published rows do.
    """

    boxes: tuple[Box, ...]
    extent: tuple[float, float] = EXTENT
    think: bool = True
    any_number: bool = False

    @property
    def box(self) -> Box | None:
        """The box that is meant; None where there is none or several."""
        return self.boxes[0] if len(self.boxes) == 1 else None

    @property
    def solution(self) -> str:
        """The truth in the notation of the published rows."""
        return f"<answer> {written(self.boxes)} </answer>"

    @property
    def form(self) -> tuple[bool]:
        """Whether any number of boxes is asked for."""
        return (self.any_number,)

    @property
    def is_negative(self) -> bool:
        """Whether nothing is meant."""
        return not self.boxes

    @property
    def claim(self) -> tuple[Box, ...]:
        """Its boxes in whatever order they are listed."""
        return tuple(sorted(self.boxes))

    def marks(self) -> tuple[Mark, ...]:
        """Return its boxes."""
        return tuple(map(box_mark, self.boxes))


def read_grounding(content: Mapping[str, Any]) -> GroundingTruth:
    """Read ``{"box": [x1, y1, x2, y2]}``, or ``{"boxes": [...]}`` where the prompt says that any number may be meant.

    Raises:
        UserError: There is neither or both, or a box is inverted or out of range.
    """
    if ("box" in content) == ("boxes" in content):
        raise unreadable(content, "has not one of the keys 'box' and 'boxes'", TRUTH_FORM)
    any_number = "boxes" in content
    listed = read_list(content, "boxes", TRUTH_FORM) if any_number else [content["box"]]
    extent = read_extent(content, TRUTH_FORM)
    boxes = tuple(read_box(box, extent, TRUTH_FORM) for box in listed)
    return GroundingTruth(boxes, extent, read_think(content, TRUTH_FORM), any_number)


def read_grounding_solution(text: str) -> GroundingTruth:
    """Read a solution: of one box as published, or several, or "No Objects".

    Raises:
        UserError: It is none.
    """
    answer = parse_grounding(text, any_number=True)
    if not answer.is_as_asked:
        raise unreadable(text, f"is no solution: {answer.reason}", TRUTH_FORM)
    return GroundingTruth(answer.boxes, any_number=len(answer.boxes) != 1)
