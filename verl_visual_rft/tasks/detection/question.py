# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A detection question about a picture of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.detection.prompt import detection_answer, detection_prompt, detection_stub
from verl_visual_rft.tasks.question import Asked, Question, Space


@dataclass(frozen=True, slots=True)
class DetectionQuestion(Question):
    """All boxes of one category in one picture.

    Attributes:
        category: Name of the category, as the dataset spells it.
        category_id: Its id in the dataset.
        boxes: ``(x1, y1, x2, y2)`` in pixels; none means that the category is absent.
    """

    task = "detection"

    category: str
    category_id: int
    boxes: tuple[Box, ...]

    @property
    def is_negative(self) -> bool:
        """Whether the category is absent."""
        return not self.boxes

    @property
    def group(self) -> str:
        """The category."""
        return self.category

    @property
    def subject(self) -> str:
        """The category."""
        return self.category

    def bounds(self) -> tuple[Box, ...]:
        """Return the boxes."""
        return self.boxes

    def ask(self, space: Space, think: bool) -> Asked:
        """Ask for all boxes of the category."""
        boxes = [space.box(box) for box in self.boxes]
        return Asked(
            prompt=detection_prompt(self.category, think, pixels=space.pixels),
            truth={"boxes": boxes},
            answer=detection_answer(boxes),
            thinking=detection_stub(self.category, len(boxes)),
            category=self.category,
            category_id=self.category_id,
        )
