# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A pointing question about a picture of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.pointing.prompt import pointing_answer, pointing_prompt, pointing_stub
from verl_visual_rft.tasks.pointing.target import Target
from verl_visual_rft.tasks.pointing.truth import gold_point
from verl_visual_rft.tasks.question import Asked, Question, Space


@dataclass(frozen=True, slots=True)
class PointingQuestion(Question):
    """The targets that an instruction means.

    Attributes:
        instruction: What to point at, in words.
        targets: In pixels; none means that the instruction means nothing in the picture.
    """

    task = "pointing"

    instruction: str
    targets: tuple[Target, ...]

    @property
    def is_negative(self) -> bool:
        """Whether nothing is meant."""
        return not self.targets

    @property
    def subject(self) -> str:
        """The instruction."""
        return self.instruction

    def bounds(self) -> tuple[Box, ...]:
        """Return the boxes around the targets."""
        return tuple(target.box for target in self.targets)

    def ask(self, space: Space, think: bool) -> Asked:
        """Ask for points on what the instruction means.

        Targets keep two decimal places: a button of a large screen is a few units wide, and a point hits it or not.
        """
        targets = [target.mapped(space.point) for target in self.targets]
        return Asked(
            prompt=pointing_prompt(self.instruction, think, pixels=space.pixels),
            truth={"targets": [target.content() for target in targets]},
            answer=pointing_answer([gold_point(target) for target in targets]),
            thinking=pointing_stub(self.instruction, len(targets)),
            category=self.instruction,
        )
