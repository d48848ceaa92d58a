# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A question about several categories in a picture of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.labelled_detection.prompt import labelled_answer, labelled_prompt, labelled_stub
from verl_visual_rft.tasks.question import Asked, Question, Space


@dataclass(frozen=True, slots=True)
class LabelledQuestion(Question):
    """All objects of some categories in one picture.

    Attributes:
        categories: Names of all categories that are asked for, in the order of the prompt.
        objects: Box ``(x1, y1, x2, y2)`` in pixels, and category; none means that all are absent.
    """

    task = "labelled_detection"

    categories: tuple[str, ...]
    objects: tuple[tuple[Box, str], ...]

    @property
    def is_negative(self) -> bool:
        """Whether all categories are absent."""
        return not self.objects

    @property
    def subject(self) -> str:
        """The categories."""
        return ", ".join(self.categories)

    def bounds(self) -> tuple[Box, ...]:
        """Return the boxes."""
        return tuple(box for box, _ in self.objects)

    def ask(self, space: Space, think: bool) -> Asked:
        """Ask for all objects of the categories, those of a category side by side, in the order of the prompt."""
        places = {name: place for place, name in enumerate(self.categories)}
        ordered = sorted(self.objects, key=lambda entry: places[entry[1]])
        objects = [(space.box(box), label) for box, label in ordered]
        return Asked(
            prompt=labelled_prompt(self.categories, think, pixels=space.pixels),
            truth={
                "categories": list(self.categories),
                "objects": [{"bbox_2d": box, "label": label} for box, label in objects],
            },
            answer=labelled_answer(objects),
            thinking=labelled_stub(self.categories, [label for _, label in objects]),
            category=self.subject,
        )
