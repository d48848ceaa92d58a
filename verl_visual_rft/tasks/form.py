# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components of any task that look at how a response is written, not at what it answers."""

from __future__ import annotations

import re

from verl_visual_rft.answers import Answer
from verl_visual_rft.tasks.options import positive_integer
from verl_visual_rft.tasks.task import Truth

#: Weight of the format in `robust`, in every task: enough to be learnt, too little to be worth an answer.
FORMAT_WEIGHT = 0.5

_WORD = re.compile(r"[^\W\d_]+")
_LOOKED_AT = 8192  # what comes to no word of its own until here comes to none
# Reasoning of these words alone says no more than that here is the reasoning: the prompt's sentence, a placeholder.
_TEMPLATE_WORDS = frozenset(
    """a an and answer answers analysis at below by detailed explanation final first follow following format go goes
    here i in insert is it let me model my of one our out output paragraph placeholder please process rationale
    reasoning should show solution some step steps strictly string sure tags text the then think thinking this thought
    thoughts to todo user we will write your""".split()
)


def is_reasoning(thinking: str) -> bool:
    """Whether text has a word of its own: not empty, not punctuation or numbers only, not copied from a template.

    Its first 8192 characters are looked at.

    Example:
        >>> [is_reasoning(text) for text in ("...", "Your thinking process here", "The cat is on the left")]
        [False, False, True]
    """
    return any(match.group() not in _TEMPLATE_WORDS for match in _WORD.finditer(thinking[:_LOOKED_AT].lower()))


class Format:
    """1 if the response is reasoning in think tags, then an answer in answer tags as the prompt asks for it, else 0.

    Pays for responses that a program can read without repairs and that reason in words of their own (see
    `is_reasoning`). Where the prompt asks for the answer alone it pays for exactly that, not for think tags. Alone it
    is gamed by any reasoning before any well-formed answer, right or wrong.
    """

    range = (0.0, 1.0)
    form_only = True

    def __call__(self, answer: Answer, truth: Truth) -> float:
        """``1`` if the tags are right, the reasoning has words of its own and the answer needed no repair, else 0.

        Where the prompt asks for the answer alone: 1 if the response is one answer block that needed no repair.
        """
        reasoned = not truth.think or is_reasoning(answer.thinking)
        return float(answer.has_format and answer.is_as_asked and reasoned)


class ThinkingLength:
    """Number of words between the think tags / ``target``, at most 1.

    Pays for reasoning that does not shrink to nothing. Words are what white space separates: for languages written
    without it this measures nothing. Alone it is gamed by any filler; see `Repetition`.

    Args:
        target: Number of words from which on nothing more is paid, at least 1.
    """

    range = (0.0, 1.0)
    form_only = True

    def __init__(self, target: int = 50) -> None:
        self.target = positive_integer("thinking_length", "target", target)

    def __call__(self, answer: Answer) -> float:
        """``min(1, words / target)`` of the reasoning."""
        return min(1.0, len(answer.thinking.split()) / self.target)


class Repetition:
    """Number of distinct word n-grams of the reasoning / number of its n-grams; 1 if it has fewer than ``n`` words.

    Pays for reasoning that does not go round in circles; case does not count. The answer is not looked at, a list of
    boxes repeats its keys. Alone it is gamed by saying nothing: give it with `ThinkingLength`.

    Args:
        n: Words of an n-gram, at least 1.
    """

    range = (0.0, 1.0)
    form_only = True

    def __init__(self, n: int = 4) -> None:
        self.n = positive_integer("repetition", "n", n)

    def __call__(self, answer: Answer) -> float:
        """``distinct n-grams / n-grams`` of the words of the reasoning; 1 if it has none."""
        words = answer.thinking.lower().split()
        count = len(words) - self.n + 1
        if count < 1:
            return 1.0
        return len({tuple(words[start : start + self.n]) for start in range(count)}) / count
