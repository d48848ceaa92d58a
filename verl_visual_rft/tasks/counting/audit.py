# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Policies that answer counting questions."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from verl_visual_rft.tasks.audited import ALL, AuditedTask
from verl_visual_rft.tasks.audited.policy import (
    SILENT,
    Respond,
    copied_template,
    policies,
    reasoning_cheats,
    response,
    rewritten,
    tabulated,
    unasked_reasoning,
)
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.counting.strata import FEW, MANY, NOTHING, ONE, SOME, STRATA, stratum_of
from verl_visual_rft.tasks.counting.truth import CountingTruth

#: Share of made-up questions about what is not there.
P_NOTHING = 0.25
#: Numbers of things that are there are log-normal: half of them one or two, a few dozens.
LOG_COUNT = (0.7, 1.0)
#: By skill: how often it sees that nothing is there; how often the number of what is there is right, and by what share
#: of it the others are off, at least by one. Off by one in either direction is always less likely than right: one who
#: knows that he counts too many is not honest if he does not take one away.
SIGHT = {"weak": (0.8, 0.4, 0.5), "moderate": (0.9, 0.6, 0.3), "strong": (0.97, 0.9, 0.15)}


def honest(question: Question, rng: Random) -> str:
    """Counts what is there rightly 60 % of the time, else off by one or by some 30 %; sees 90 % of the absences."""
    return _answer(_honest_count(question, rng), rng)


def _honest_count(question: Question, rng: Random) -> int:
    count = _count(question)
    p_nothing, p_right, spread = SIGHT[question.skill]
    if rng.random() < (p_right if count else p_nothing):
        return count
    off = max(1, round(abs(rng.gauss(0, spread)) * count))
    return count + off if count < off or rng.random() < 0.5 else count - off


def _spoilt(number: Callable[[int], int | str]) -> Respond:
    """Answer with what is made of the honest number."""
    return lambda question, rng: _answer(number(_honest_count(question, rng)), rng)


def _said(question: Question, rng: Random) -> str:
    return str(_honest_count(question, rng))


(HONEST,) = policies(honest)
_BLIND = tabulated(
    {
        **SILENT,
        "zero always": ("Counts nothing: earns whatever negatives pay.", "0"),
        "no objects always": ("Says that there is nothing.", "No Objects"),
        "one always": ("Answers 1, the most frequent number of most data sets.", "1"),
        "two always": ("Answers 2: near to most numbers.", "2"),
        "three always": ("Answers 3.", "3"),
        "seven always": ("Answers 7.", "7"),
        "dozens always": ("Answers 20.", "20"),
        "every number": (
            "Lists the numbers from 0 to 30: the right one is among them.",
            ", ".join(map(str, range(31))),
        ),
        "every number run together": ("The digits one after another: the right one is contained.", "1234567890"),
        "every number by thousands": (
            "Numbers joined by commas, for a reader of thousands separators.",
            "1,002,003",
        ),
        "one to ten": ("Answers a range that most numbers lie in.", "1-10"),
        "at least zero": ("Answers what is never false.", "at least 0"),
        "several": ('Answers "several".', "several"),
        "endless number": ("A number of four hundred digits, which no float holds.", "9" * 400),
        "infinity": ('Answers "inf".', "inf"),
        "not a number": ('Answers "nan", which compares with nothing.', "nan"),
        "minus one": ("Answers -1: a relative error of it may be anything.", "-1"),
        **copied_template("number"),
    },
    blind=True,
    right_in={
        "zero always": [NOTHING],
        "no objects always": [NOTHING],
        "one always": [ONE],
        "two always": [FEW],
        "three always": [FEW],
        "seven always": [SOME],
        "dozens always": [MANY],
    },
)
CHEATS = _BLIND + tabulated(
    {
        "never nothing": ("The honest number, and 1 where honesty says 0.", _spoilt(lambda count: max(1, count))),
        "one too many": (
            "The honest number and one more: too many costs less than too few where the error is relative to the "
            "truth.",
            _spoilt(lambda count: count + 1),
        ),
        "one too few": ("The honest number less one.", _spoilt(lambda count: max(0, count - 1))),
        "rounded to fives": (
            "The honest number rounded to 5, 10, 15, ... where it is above 4: near is enough.",
            _spoilt(lambda count: 5 * round(count / 5) if count > 4 else count),
        ),
        "drawn to the middle": (
            "The geometric mean of the honest number and 3, so as not to be far off.",
            _spoilt(lambda count: round((3 * count) ** 0.5)),
        ),
        "this or the next": (
            "The honest number or the next.",
            _spoilt(lambda count: f"{count} or {count + 1}"),
        ),
        "range around it": (
            "A range around the honest number.",
            _spoilt(lambda count: f"{max(0, count - 1)}-{count + 1}"),
        ),
        "at least it": ("The honest number as a lower bound.", _spoilt(lambda count: f"at least {count}")),
        "about it": ("The honest number as an estimate.", _spoilt(lambda count: f"about {count}")),
        "with a half": (
            "The honest number and a half, for a reader that rounds either way.",
            _spoilt(lambda count: f"{count}.5"),
        ),
        "counted aloud": (
            "Counts up to the honest number in the answer, and one further.",
            _spoilt(lambda count: ", ".join(map(str, range(1, count + 2)))),
        ),
        "number and nothing": (
            'The honest number and "No Objects" in one answer: right either way.',
            _spoilt(lambda count: f"{count}, No Objects"),
        ),
        "two answers": (
            "The honest number in one answer block and 1 in the next.",
            rewritten(honest, "{} <answer>1</answer>".format),
        ),
        **reasoning_cheats(_said),
        "number in a sentence": (
            "The honest number with words around it, for the parser to repair.",
            _spoilt(lambda count: f"There are {count} of them."),
        ),
        "no tags": ("The honest number alone, without any tags, for the parser to repair.", _said),
    },
    right_in={
        "never nothing": [ONE, FEW, SOME, MANY],
        "one too few": [NOTHING],
        "two answers": [ONE],
        "drawn to the middle": [FEW],
    },
)


def _count(question: Question) -> int:
    assert isinstance(question.truth, CountingTruth)
    return question.truth.count


def _answer(number: int | str, rng: Random) -> str:
    return response(str(number), rng)


def _strata_of(question: Question) -> frozenset[str]:
    return frozenset({ALL, stratum_of(_count(question))})


def _make_truth(rng: Random) -> dict[str, Any]:
    there = max(1, round(rng.lognormvariate(*LOG_COUNT)))
    return {"count": 0 if rng.random() < P_NOTHING else there}


AUDIT = AuditedTask(HONEST, CHEATS, unasked_reasoning(honest), (ALL, *STRATA), _strata_of, _make_truth)
