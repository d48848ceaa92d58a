# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is true of a grounding question: the one box that an instruction means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verl_visual_rft.answers import EXTENT, Outcome
from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.grounding.answer import parse_grounding
from verl_visual_rft.tasks.marks import Mark, box_mark
from verl_visual_rft.tasks.reading import plain, read_box, read_extent, read_think, unreadable
from verl_visual_rft.tasks.task import Truth

TRUTH_FORM = 'give {"box": [x1, y1, x2, y2]}'


@dataclass(frozen=True)
class GroundingTruth(Truth):
    """The one box that an instruction means.

    Attributes:
        box: ``(x1, y1, x2, y2)`` in the answer's coordinates.
        extent: Upper ends of the answer's coordinates, ``(x, y)``.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    box: Box
    extent: tuple[float, float] = EXTENT
    think: bool = True

    @property
    def solution(self) -> str:
        """The truth in the notation of the published rows."""
        x1, y1, x2, y2 = map(plain, self.box)
        return f"<answer> ({x1},{y1}),({x2},{y2}) </answer>"

    @property
    def claim(self) -> Box:
        """Its box."""
        return self.box

    def marks(self) -> tuple[Mark, ...]:
        """Return its box."""
        return (box_mark(self.box),)


def read_grounding(content: Mapping[str, Any]) -> GroundingTruth:
    """Read ``{"box": [x1, y1, x2, y2]}``.

    Raises:
        UserError: There is no box, or it is inverted or out of range.
    """
    if "box" not in content:
        raise unreadable(content, "has no key 'box'", TRUTH_FORM)
    extent = read_extent(content, TRUTH_FORM)
    return GroundingTruth(read_box(content["box"], extent, TRUTH_FORM), extent, read_think(content, TRUTH_FORM))


def read_grounding_solution(text: str) -> GroundingTruth:
    """Read a published solution.

    Raises:
        UserError: It is none.
    """
    answer = parse_grounding(text)
    if answer.outcome is not Outcome.WELL_FORMED or answer.box is None:
        raise unreadable(text, f"is no published solution: {answer.reason}", TRUTH_FORM)
    return GroundingTruth(answer.box)
