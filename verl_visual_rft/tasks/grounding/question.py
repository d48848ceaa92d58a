# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A grounding question about a picture of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.grounding.prompt import (
    any_number_prompt,
    grounding_answer,
    grounding_prompt,
    grounding_stub,
)
from verl_visual_rft.tasks.question import Asked, Question, Space


@dataclass(frozen=True, slots=True)
class GroundingQuestion(Question):
    """The boxes that an instruction means.

    Attributes:
        instruction: What to find, in words.
        boxes: Each ``(x1, y1, x2, y2)`` in pixels; none means that nothing is meant.
        any_number: Whether to say in the prompt that there may be none or several; else there is one box.
    """

    task = "grounding"

    instruction: str
    boxes: tuple[Box, ...]
    any_number: bool = False

    @property
    def is_negative(self) -> bool:
        """Whether nothing is meant."""
        return not self.boxes

    @property
    def subject(self) -> str:
        """The instruction."""
        return self.instruction

    def bounds(self) -> tuple[Box, ...]:
        """Return the boxes."""
        return self.boxes

    def ask(self, space: Space, think: bool) -> Asked:
        """Ask for what the instruction means."""
        boxes = [space.box(box) for box in self.boxes]
        if self.any_number:
            prompt = any_number_prompt(self.instruction, think, pixels=space.pixels)
        else:
            prompt = grounding_prompt(self.instruction, think)
        return Asked(
            prompt=prompt,
            truth={"boxes": boxes} if self.any_number else {"box": boxes[0]},
            answer=grounding_answer(boxes),
            thinking=grounding_stub(self.instruction),
            category=self.instruction,
        )
