# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What every parsed answer says, whatever the task."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Upper ends of the answer's coordinates, ``(x, y)``, where a model family has no others: Qwen2-VL's grid.
EXTENT = (1000.0, 1000.0)

#: The reason of every answer whose outcome is `Outcome.NO_ANSWER`.
NO_ANSWER_REASON = "no answer outside the reasoning"


class Outcome(str, Enum):
    """How reading an answer ended."""

    WELL_FORMED = "well_formed"
    """The answer block is exactly what the prompt asks for, and valid."""
    REPAIRED = "repaired"
    """An answer was read, but something was amiss with its tags, its notation or a part of it."""
    NO_OBJECTS = "no_objects"
    """The answer says that there is nothing to detect."""
    MALFORMED = "malformed"
    """There is an answer, but nothing valid in it."""
    NO_ANSWER = "no_answer"
    """Nothing outside the reasoning looks like an answer."""


@dataclass(frozen=True)
class Answer:
    """What all tasks have in common.

    Attributes:
        outcome: How reading it ended.
        reason: What was repaired or is wrong, for people; empty when well-formed.
        has_format: The response is ``<think>...</think> <answer>...</answer>`` and nothing else but white space; where
            the prompt asks for the answer alone, one ``<answer>...</answer>`` and nothing else.
        thinking: The text between the think tags before the answer, without tags that it mentions.
    """

    outcome: Outcome
    reason: str
    has_format: bool
    thinking: str

    @property
    def is_as_asked(self) -> bool:
        """Whether it was read without a repair: well-formed, or "No Objects"."""
        return self.outcome in (Outcome.WELL_FORMED, Outcome.NO_OBJECTS)
