# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Policies that answer counting questions."""

from __future__ import annotations

from random import Random
from typing import Any

from verl_visual_rft.tasks.audited import ALL, AuditedTask
from verl_visual_rft.tasks.audited.policy import policies, reasoning_cheats, response, unasked_reasoning
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


# --- Cheats that do not look at the picture --------------------------------------------------------------------------


def empty_response(question: Question, rng: Random) -> str:
    """Says nothing at all."""
    return ""


def empty_answer(question: Question, rng: Random) -> str:
    """Reasons and leaves the answer empty."""
    return response("", rng)


def zero_always(question: Question, rng: Random) -> str:
    """Counts nothing: earns whatever negatives pay."""
    return _answer(0, rng)


def no_objects_always(question: Question, rng: Random) -> str:
    """Says that there is nothing."""
    return response("No Objects", rng)


def one_always(question: Question, rng: Random) -> str:
    """Answers 1, the most frequent number of most data sets."""
    return _answer(1, rng)


def two_always(question: Question, rng: Random) -> str:
    """Answers 2: near to most numbers."""
    return _answer(2, rng)


def three_always(question: Question, rng: Random) -> str:
    """Answers 3."""
    return _answer(3, rng)


def seven_always(question: Question, rng: Random) -> str:
    """Answers 7."""
    return _answer(7, rng)


def dozens_always(question: Question, rng: Random) -> str:
    """Answers 20."""
    return _answer(20, rng)


def every_number(question: Question, rng: Random) -> str:
    """Lists the numbers from 0 to 30: the right one is among them."""
    return response(", ".join(map(str, range(31))), rng)


def every_number_run_together(question: Question, rng: Random) -> str:
    """The digits one after another: the right one is contained."""
    return response("1234567890", rng)


def every_number_by_thousands(question: Question, rng: Random) -> str:
    """Numbers joined by commas, for a reader of thousands separators."""
    return response("1,002,003", rng)


def one_to_ten(question: Question, rng: Random) -> str:
    """Answers a range that most numbers lie in."""
    return response("1-10", rng)


def at_least_zero(question: Question, rng: Random) -> str:
    """Answers what is never false."""
    return response("at least 0", rng)


def several(question: Question, rng: Random) -> str:
    """Answers "several"."""
    return response("several", rng)


def endless_number(question: Question, rng: Random) -> str:
    """A number of four hundred digits, which no float holds."""
    return response("9" * 400, rng)


def infinity(question: Question, rng: Random) -> str:
    """Answers "inf"."""
    return response("inf", rng)


def not_a_number(question: Question, rng: Random) -> str:
    """Answers "nan", which compares with nothing."""
    return response("nan", rng)


def minus_one(question: Question, rng: Random) -> str:
    """Answers -1: a relative error of it may be anything."""
    return response("-1", rng)


def copied_template(question: Question, rng: Random) -> str:
    """Repeats the format of the prompt, word for word."""
    return "<think> ... </think> <answer>number</answer>"


# --- Cheats on top of an honest answer -------------------------------------------------------------------------------


def never_nothing(question: Question, rng: Random) -> str:
    """The honest number, and 1 where honesty says 0."""
    return _answer(max(1, _honest_count(question, rng)), rng)


def one_too_many(question: Question, rng: Random) -> str:
    """The honest number and one more: too many costs less than too few where the error is relative to the truth."""
    return _answer(_honest_count(question, rng) + 1, rng)


def one_too_few(question: Question, rng: Random) -> str:
    """The honest number less one."""
    return _answer(max(0, _honest_count(question, rng) - 1), rng)


def rounded_to_fives(question: Question, rng: Random) -> str:
    """The honest number rounded to 5, 10, 15, ... where it is above 4: near is enough."""
    count = _honest_count(question, rng)
    return _answer(5 * round(count / 5) if count > 4 else count, rng)


def drawn_to_the_middle(question: Question, rng: Random) -> str:
    """The geometric mean of the honest number and 3, so as not to be far off."""
    count = _honest_count(question, rng)
    return _answer(round((3 * count) ** 0.5), rng)


def this_or_the_next(question: Question, rng: Random) -> str:
    """The honest number or the next."""
    count = _honest_count(question, rng)
    return response(f"{count} or {count + 1}", rng)


def range_around_it(question: Question, rng: Random) -> str:
    """A range around the honest number."""
    count = _honest_count(question, rng)
    return response(f"{max(0, count - 1)}-{count + 1}", rng)


def at_least_it(question: Question, rng: Random) -> str:
    """The honest number as a lower bound."""
    return response(f"at least {_honest_count(question, rng)}", rng)


def about_it(question: Question, rng: Random) -> str:
    """The honest number as an estimate."""
    return response(f"about {_honest_count(question, rng)}", rng)


def with_a_half(question: Question, rng: Random) -> str:
    """The honest number and a half, for a reader that rounds either way."""
    return response(f"{_honest_count(question, rng)}.5", rng)


def counted_aloud(question: Question, rng: Random) -> str:
    """Counts up to the honest number in the answer, and one further."""
    return response(", ".join(map(str, range(1, _honest_count(question, rng) + 2))), rng)


def number_and_nothing(question: Question, rng: Random) -> str:
    """The honest number and "No Objects" in one answer: right either way."""
    return response(f"{_honest_count(question, rng)}, No Objects", rng)


def two_answers(question: Question, rng: Random) -> str:
    """The honest number in one answer block and 1 in the next."""
    return f"{_answer(_honest_count(question, rng), rng)} <answer>1</answer>"


def number_in_a_sentence(question: Question, rng: Random) -> str:
    """The honest number with words around it, for the parser to repair."""
    return response(f"There are {_honest_count(question, rng)} of them.", rng)


def no_tags(question: Question, rng: Random) -> str:
    """The honest number alone, without any tags, for the parser to repair."""
    return str(_honest_count(question, rng))


(HONEST,) = policies(honest)
_BLIND = policies(
    empty_response,
    empty_answer,
    zero_always,
    no_objects_always,
    one_always,
    two_always,
    three_always,
    seven_always,
    dozens_always,
    every_number,
    every_number_run_together,
    every_number_by_thousands,
    one_to_ten,
    at_least_zero,
    several,
    endless_number,
    infinity,
    not_a_number,
    minus_one,
    copied_template,
    blind=True,
    right_in={
        zero_always: [NOTHING],
        no_objects_always: [NOTHING],
        one_always: [ONE],
        two_always: [FEW],
        three_always: [FEW],
        seven_always: [SOME],
        dozens_always: [MANY],
    },
)
CHEATS = _BLIND + policies(
    never_nothing,
    one_too_many,
    one_too_few,
    rounded_to_fives,
    drawn_to_the_middle,
    this_or_the_next,
    range_around_it,
    at_least_it,
    about_it,
    with_a_half,
    counted_aloud,
    number_and_nothing,
    two_answers,
    *reasoning_cheats(no_tags),
    number_in_a_sentence,
    no_tags,
    right_in={
        never_nothing: [ONE, FEW, SOME, MANY],
        one_too_few: [NOTHING],
        two_answers: [ONE],
        drawn_to_the_middle: [FEW],
    },
)


def _count(question: Question) -> int:
    assert isinstance(question.truth, CountingTruth)
    return question.truth.count


def _answer(count: int, rng: Random) -> str:
    return response(str(count), rng)


def _strata_of(question: Question) -> frozenset[str]:
    return frozenset({ALL, stratum_of(_count(question))})


def _make_truth(rng: Random) -> dict[str, Any]:
    there = max(1, round(rng.lognormvariate(*LOG_COUNT)))
    return {"count": 0 if rng.random() < P_NOTHING else there}


AUDIT = AuditedTask(HONEST, CHEATS, unasked_reasoning(honest), (ALL, *STRATA), _strata_of, _make_truth)
