# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a policy of the audit is: a function that answers a question, with a line on what it tries."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from verl_visual_rft.rewards.audit.truth_sets import Question

#: Answers a question with a whole response. The generator is fresh for each question and the same for every policy,
#: so a cheat that builds on the honest answer builds on exactly the answer that honesty is scored for.
Respond = Callable[[Question, Random], str]

#: Reasoning in words of its own, so that what a policy earns depends on its answer.
THOUGHTS = (
    "I look at the picture from left to right and compare what I see with what was asked.",
    "The outline and the colour set it apart from the background, which settles the question.",
    "There are a few candidates; the clearest one fits the description best.",
    "Judging by shape and texture, this is the most plausible reading of the scene.",
)


@dataclass(frozen=True)
class Policy:
    """One contestant.

    Attributes:
        name: In the table.
        description: What it tries, in a line.
        respond: Its answers.
    """

    name: str
    description: str
    respond: Respond


def policies(*functions: Respond) -> tuple[Policy, ...]:
    """Make each function a policy: its name in words, its docstring as the description."""
    return tuple(
        Policy(function.__name__.replace("_", " "), inspect.getdoc(function) or "", function) for function in functions
    )


def response(answer: str, rng: Random) -> str:
    """Write an answer as the prompt asks for it, with reasoning of its own words."""
    return f"<think> {rng.choice(THOUGHTS)} </think> <answer>{answer}</answer>"
