# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of what is read as a number, and of what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.answers import NO_ANSWER_REASON, Outcome
from verl_visual_rft.tasks.counting import parse_counting
from verl_visual_rft.tasks.counting.answer import LARGEST, MAX_LENGTH
from verl_visual_rft.tasks.counting.prompt import counting_answer

AROUND, WORD, THOUSANDS = "words around the number", "a number word", "thousands separators"
PLAIN, FENCE, NO_TAGS = "not in plain digits", "a code fence around it", "no answer tags"
NO_NUMBER, EMPTY = "no number", "the answer is empty"


def no_whole(word: str) -> str:
    return f"{word!r} is no whole number from 0 to {LARGEST}"


def inexact(word: str) -> str:
    return f"{word!r}: not one number"


@pytest.mark.parametrize(
    ("text", "outcome", "count", "reason"),
    [
        ("3", "well_formed", 3, ""),
        ("\n 12 ", "well_formed", 12, ""),
        (str(LARGEST), "well_formed", LARGEST, ""),
        ("0", "no_objects", 0, ""),
        ("No Objects", "no_objects", 0, ""),
        ("none", "no_objects", 0, ""),
        ("No object belonging to the category 'cat' in the image.", "no_objects", 0, ""),
        ("[]", "no_objects", 0, ""),
        ("zero", "repaired", 0, WORD),
        ("0 cats", "repaired", 0, AROUND),
        ("one", "repaired", 1, WORD),
        ("Twelve.", "repaired", 12, WORD),
        ("3 cats", "repaired", 3, AROUND),
        ("There are three cats in the image.", "repaired", 3, AROUND),
        ("cats: 3, all black", "repaired", 3, AROUND),
        ("3 (three)", "repaired", 3, AROUND),
        ('{"count": 3}', "repaired", 3, AROUND),
        ("count = 3", "repaired", 3, AROUND),
        ("2 people around the table", "repaired", 2, AROUND),
        ("3 T-shirts", "repaired", 3, AROUND),
        ("3.", "repaired", 3, PLAIN),
        ("**3**", "repaired", 3, PLAIN),
        ("007", "repaired", 7, PLAIN),
        ("1,200", "repaired", 1200, THOUSANDS),
        ("1,234,567 grains", "repaired", 1_234_567, AROUND),
        ("\uff13", "well_formed", 3, ""),
        ("```3```", "repaired", 3, FENCE),
        ("```\n0\n```", "no_objects", 0, FENCE),
        ("3 or 4", "malformed", None, inexact("or")),
        ("3 or so", "malformed", None, inexact("or")),
        ("at least 3", "malformed", None, inexact("least")),
        ("no more than 3", "malformed", None, inexact("no")),
        ("3 or more", "malformed", None, inexact("or")),
        ("about 3 cats", "malformed", None, inexact("about")),
        ("over 3", "malformed", None, inexact("over")),
        ("approximately 3", "malformed", None, inexact("approximately")),
        ("not 3", "malformed", None, inexact("not")),
        ("two dozen", "malformed", None, inexact("dozen")),
        ("twenty two", "malformed", None, inexact("twenty")),
        ("> 3", "malformed", None, inexact(">")),
        ("3, No Objects", "malformed", None, inexact("no")),
        ("3 4", "malformed", None, "2 different numbers"),
        ("1, 2, 3", "malformed", None, "3 different numbers"),
        ("2 cats and 3 dogs", "malformed", None, "2 different numbers"),
        ("between 2 and 4", "malformed", None, "2 different numbers"),
        ("2-4", "malformed", None, no_whole("2-4")),
        ("3+", "malformed", None, no_whole("3+")),
        ("~3", "malformed", None, no_whole("~3")),
        ("-3", "malformed", None, no_whole("-3")),
        ("3.5", "malformed", None, no_whole("3.5")),
        ("1,23", "malformed", None, no_whole("1,23")),
        ("1.200", "malformed", None, no_whole("1.200")),
        ("3/4", "malformed", None, no_whole("3/4")),
        ("50%", "malformed", None, no_whole("50%")),
        ("1e3", "malformed", None, no_whole("1e3")),
        ("\u0663", "malformed", None, no_whole("\u0663")),
        (str(LARGEST + 1), "malformed", None, no_whole(str(LARGEST + 1))),
        ("number", "malformed", None, NO_NUMBER),
        ("several", "malformed", None, inexact("several")),
        ("no cats", "malformed", None, inexact("no")),
        ("inf", "malformed", None, NO_NUMBER),
        ("", "malformed", None, EMPTY),
        (" \n", "malformed", None, EMPTY),
        ("a" * MAX_LENGTH + " 3", "malformed", None, f"longer than {MAX_LENGTH} characters"),
    ],
)
def test_text_of_an_answer(text: str, outcome: str, count: int | None, reason: str) -> None:
    for response, think in ((f"<think> a </think> <answer>{text}</answer>", True), (f"<answer>{text}</answer>", False)):
        answer = parse_counting(response, think)
        full_width = "full-width punctuation" if "\uff13" in text else ""
        said = Outcome.REPAIRED if full_width else Outcome(outcome)
        assert (answer.outcome, answer.count, answer.reason) == (said, count, reason or full_width)
        assert answer.has_format


@pytest.mark.parametrize(
    ("response", "outcome", "count", "reason"),
    [
        ("<think>a</think> <answer>2</answer> <answer>3</answer>", "well_formed", 3, ""),
        ("<think>a</think> 3", "repaired", 3, NO_TAGS),
        ("There are 3.", "repaired", 3, f"{NO_TAGS}; {AROUND}"),
        ("None", "no_objects", 0, NO_TAGS),
        ("3 or 4", "malformed", None, inexact("or")),
        ("<answer>3", "repaired", 3, "the answer tag is not closed"),
        ("<think>a <answer>3</answer>", "repaired", 3, "the think tag is not closed"),
        ("<think><answer>3</answer></think>", "no_answer", None, NO_ANSWER_REASON),
        ("<think>3", "no_answer", None, NO_ANSWER_REASON),
        ("I count them.\nThere are 3.", "no_answer", None, NO_ANSWER_REASON),
        ("I see cats", "no_answer", None, NO_ANSWER_REASON),
        ("a" * MAX_LENGTH + " 3", "no_answer", None, NO_ANSWER_REASON),
        ("", "no_answer", None, NO_ANSWER_REASON),
    ],
)
def test_where_the_answer_stands(response: str, outcome: str, count: int | None, reason: str) -> None:
    answer = parse_counting(response)
    assert (answer.outcome, answer.count, answer.reason) == (Outcome(outcome), count, reason)


PIECES = ["<think>", "</think>", "<answer>", "</answer>", "3", "0", "12", "three", "none", " ", ",", ".", "-", "or"]
PIECES += ["No Objects", "```", "\n", "cats", "9" * 20, "\u0663", "\u00b2", ">", "="]


@given(response=st.text() | st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
def test_any_text_gives_a_consistent_answer(response: str) -> None:
    answer = parse_counting(response)
    assert (answer.count is None) == (answer.outcome in (Outcome.MALFORMED, Outcome.NO_ANSWER))
    assert answer.count is None or 0 <= answer.count <= LARGEST
    assert bool(answer.reason) or answer.outcome in (Outcome.WELL_FORMED, Outcome.NO_OBJECTS)
    assert answer.outcome is not Outcome.NO_OBJECTS or answer.count == 0
    assert parse_counting(response) == answer


@given(count=st.integers(0, LARGEST), thinking=st.none() | st.just("I look."))
def test_a_number_that_is_written_is_read(count: int, thinking: str | None) -> None:
    answer = parse_counting(counting_answer(count, thinking), think=thinking is not None)
    assert (answer.count, answer.reason, answer.has_format) == (count, "", True)


@pytest.mark.parametrize("piece", ["3", "3 ", "3,", "or ", "<answer>3", "-", "```", "1,234,"])
def test_long_junk_is_no_number(piece: str) -> None:
    assert parse_counting(f"<answer>{piece * 20000}").count in (None, 3)
