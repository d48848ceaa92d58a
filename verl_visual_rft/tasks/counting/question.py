# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A counting question about a picture of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.tasks.counting.prompt import counting_answer, counting_prompt, counting_stub
from verl_visual_rft.tasks.question import Asked, Question, Space


@dataclass(frozen=True, slots=True)
class CountingQuestion(Question):
    """How many objects of one category are in one picture.

    Attributes:
        category: Name of the category, as the dataset spells it.
        category_id: Its id in the dataset; None where it has none.
        count: How many there are; 0 means that the category is absent.
    """

    task = "counting"

    category: str
    category_id: int | None
    count: int

    @property
    def is_negative(self) -> bool:
        """Whether the category is absent."""
        return self.count == 0

    @property
    def group(self) -> str:
        """The category."""
        return self.category

    @property
    def subject(self) -> str:
        """The category."""
        return self.category

    def ask(self, space: Space, think: bool) -> Asked:
        """Ask for the number."""
        return Asked(
            prompt=counting_prompt(self.category, think),
            truth={"count": self.count, "category": self.category},
            answer=counting_answer(self.count),
            thinking=counting_stub(self.category, self.count),
            category=self.category,
            category_id=self.category_id,
        )
