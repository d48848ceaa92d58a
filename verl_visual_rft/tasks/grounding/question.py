# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A grounding question about a picture of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.grounding.prompt import grounding_answer, grounding_prompt, grounding_stub
from verl_visual_rft.tasks.question import Asked, Question, Space


@dataclass(frozen=True, slots=True)
class GroundingQuestion(Question):
    """The box that an instruction means.

    Attributes:
        instruction: What to find, in words.
        box: ``(x1, y1, x2, y2)`` in pixels.
    """

    task = "grounding"

    instruction: str
    box: Box

    @property
    def subject(self) -> str:
        """The instruction."""
        return self.instruction

    def bounds(self) -> tuple[Box, ...]:
        """Return the box."""
        return (self.box,)

    def ask(self, space: Space, think: bool) -> Asked:
        """Ask for what the instruction means."""
        box = space.box(self.box)
        return Asked(
            prompt=grounding_prompt(self.instruction, think),
            truth={"box": box},
            answer=grounding_answer(box),
            thinking=grounding_stub(self.instruction),
            category=self.instruction,
        )
