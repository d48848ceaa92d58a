# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is true of a counting question: a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from verl_visual_rft.tasks.counting.answer import LARGEST, parse_counting
from verl_visual_rft.tasks.marks import Mark, text_mark
from verl_visual_rft.tasks.reading import is_name, read_think, unreadable
from verl_visual_rft.tasks.task import Truth

TRUTH_FORM = 'give {"count": n}, n a whole number from 0 on'


@dataclass(frozen=True)
class CountingTruth(Truth):
    """How many there are.

    Attributes:
        count: The number, from 0 on.
        category: What is counted; empty where the truth does not say.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    count: int
    category: str = ""
    think: bool = True

    @property
    def solution(self) -> str:
        """The number in digits."""
        return f"<answer>{self.count}</answer>"

    @property
    def is_negative(self) -> bool:
        """Whether nothing is there."""
        return self.count == 0

    @property
    def claim(self) -> int:
        """The number."""
        return self.count

    @property
    def asks(self) -> str:
        """What is counted, where it says so."""
        return self.category

    def marks(self) -> tuple[Mark, ...]:
        """Return the number."""
        return (text_mark(str(self.count)),)

    def in_words(self) -> str:
        """Return the number, and of what."""
        return f"{self.count} of {self.category!r}" if self.category else str(self.count)


def is_count(value: object) -> TypeGuard[int]:
    """Whether it is a whole number that an answer can say."""
    return type(value) is int and 0 <= value <= LARGEST


def read_counting(content: Mapping[str, Any]) -> CountingTruth:
    """Read ``{"count": n}``; optional ``"category": "..."``.

    Raises:
        UserError: There is no whole number from 0 on, or the category is no text.
    """
    count, category = content.get("count"), content.get("category")
    if not is_count(count):
        raise unreadable(content, "has no whole number from 0 on under the key 'count'", TRUTH_FORM)
    if category is not None and not is_name(category):
        raise unreadable(content, "has a 'category' that is no text", TRUTH_FORM)
    return CountingTruth(count, category or "", read_think(content, TRUTH_FORM))


def read_counting_solution(text: str) -> CountingTruth:
    """Read a solution, an answer in tags.

    Raises:
        UserError: It is none.
    """
    answer = parse_counting(text)
    if answer.count is None or answer.reason:
        raise unreadable(text, f"is no solution: {answer.reason}", TRUTH_FORM)
    return CountingTruth(answer.count)
