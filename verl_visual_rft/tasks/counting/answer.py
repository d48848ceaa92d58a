# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The number that a response gives for a counting question."""

from __future__ import annotations

import re
from dataclasses import dataclass

from verl_visual_rft.answers.absence import says_nothing
from verl_visual_rft.answers.answer import NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.notations import half_width
from verl_visual_rft.answers.tags import split_tags, unfence

#: Numbers above it are none: nobody counts so many things in a picture.
LARGEST = 999_999_999
#: Characters of an answer; a longer text says more than a number.
MAX_LENGTH = 200

_AS_ASKED = re.compile("0|[1-9][0-9]{0,8}")
_DIGITS = re.compile("[0-9]{1,9}")
_THOUSANDS = re.compile("[1-9][0-9]{0,2}(?:,[0-9]{3}){1,2}")
# What stands around a number and says nothing of it.
_BETWEEN = re.compile(r"""[\s()\[\]{}"'*`:;!?=]+""")
_WORDS = {
    word: number
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
# Whatever number stands beside them is not what is claimed: a choice, a bound, a guess, or a part of a larger number.
_INEXACT = frozenset(
    """almost approx approximately either fewer least less many maybe more most nearly no not or perhaps possibly
    roughly several than dozen dozens hundred hundreds thousand thousands million half
    thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    twenty thirty forty fifty sixty seventy eighty ninety""".split()
)
# The same, directly before the number: elsewhere they say where things are.
_INEXACT_BEFORE = frozenset({"about", "above", "around", "below", "over", "under"})
_INEXACT_SIGNS = frozenset("<>~±≈≤≥")


@dataclass(frozen=True)
class CountingAnswer(Answer):
    """What a response answers to a counting question.

    Attributes:
        count: The number; None exactly if the answer is malformed or there is none.
    """

    count: int | None


def parse_counting(response: str, think: bool = True) -> CountingAnswer:
    """Read the number of a response: that of its last answer block outside the reasoning.

    Without answer tags a line of at most `MAX_LENGTH` characters outside the reasoning is the answer if there is a
    number in it. In time linear in the response.

    - Well-formed: a whole number from 1 on in digits, as the prompt asks.
    - No objects: 0, "No Objects", "none" and words to that effect (`says_nothing`).
    - Repaired: damaged tags, a code fence, words around the number ("3 cats"), thousands separators ("1,200"), the
      words "zero" to "twelve", leading zeros, full-width digits.
    - Malformed: no number, two different ones, one with a sign or a fraction, and every way of saying more than one at
      once: "3 or 4", "2-4", "at least 3", "about 3", "3+".

    Args:
        response: Any text.
        think: Whether the prompt asks for thinking before the answer.

    Example:
        >>> [parse_counting(f"<answer>{text}</answer>").count for text in ("3", "three cats", "none", "3 or 4")]
        [3, 3, 0, None]
    """
    tagged = split_tags(response, think)
    text, faults = tagged.text()
    text, fence = unfence(text)
    text, width = half_width(text)
    count, fault, is_number = _read_number(text)
    if tagged.answer is None and (not is_number or len(text.splitlines()) > 1):
        return CountingAnswer(Outcome.NO_ANSWER, NO_ANSWER_REASON, tagged.has_format, tagged.thinking, None)
    faults = [said for said in (*faults, fence, width, fault) if said]
    outcome = Outcome.REPAIRED if faults else Outcome.WELL_FORMED
    if count is None:
        outcome, faults = Outcome.MALFORMED, [fault]
    elif count == 0 and not fault:
        outcome = Outcome.NO_OBJECTS
    return CountingAnswer(outcome, "; ".join(faults), tagged.has_format, tagged.thinking, count)


def _read_number(text: str) -> tuple[int | None, str, bool]:
    """Return the number that a text says, what is amiss with it, and whether it has to do with numbers at all."""
    if _AS_ASKED.fullmatch(text):
        return int(text), "", True
    if says_nothing(text):
        return 0, "", True
    if not text:
        return None, "the answer is empty", False
    if len(text) > MAX_LENGTH:
        return None, f"longer than {MAX_LENGTH} characters", False
    words = [word for part in _BETWEEN.split(text) if (word := part.strip(".,").lower())]
    written = {place: number for place, word in enumerate(words) if (number := _number(word)) is not None}
    refused = _refused(text, words, written)
    if refused or not written:
        return None, refused or "no number", bool(refused)
    numbers = set(written.values())
    if len(numbers) > 1:
        return None, f"{len(numbers)} different numbers", True
    (count,) = numbers
    return count, _notation(words), True


def _number(word: str) -> int | None:
    if _DIGITS.fullmatch(word):
        return int(word)
    if _THOUSANDS.fullmatch(word):
        return int(word.replace(",", ""))
    return _WORDS.get(word)


def _refused(text: str, words: list[str], written: dict[int, int]) -> str:
    """Say why a text does not state a whole number, though it may hold one; empty if nothing is against it."""
    for place, word in enumerate(words):
        if place not in written and any(letter.isdecimal() for letter in word):
            return f"{word!r} is no whole number from 0 to {LARGEST}"
    inexact = [word for place, word in enumerate(words) if word in _INEXACT or _qualifies(place, words, written)]
    inexact += sorted(_INEXACT_SIGNS & {*text})
    return f"{inexact[0]!r}: not one number" if inexact else ""


def _qualifies(place: int, words: list[str], written: dict[int, int]) -> bool:
    return words[place] in _INEXACT_BEFORE and place + 1 in written


def _notation(words: list[str]) -> str:
    if len(words) > 1:
        return "words around the number"
    (word,) = words
    if word in _WORDS:
        return "a number word"
    return "thousands separators" if "," in word else "not in plain digits"
