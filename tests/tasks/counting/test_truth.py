# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of ground truths of counting."""

from __future__ import annotations

import json

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks import read_truth
from verl_visual_rft.tasks.counting import CountingTruth
from verl_visual_rft.tasks.counting.answer import LARGEST


@pytest.mark.parametrize(
    ("given", "truth"),
    [
        ({"count": 3}, CountingTruth(3)),
        ({"count": 0, "category": "hot dog"}, CountingTruth(0, "hot dog")),
        ({"count": 3, "category": None}, CountingTruth(3)),
        ('{"count": 3, "think": false}', CountingTruth(3, think=False)),
        ("<answer>3</answer>", CountingTruth(3)),
        ("<think> a </think> <answer>0</answer>", CountingTruth(0)),
        ("<answer> No Objects </answer>", CountingTruth(0)),
    ],
)
def test_a_truth_is_read(given: object, truth: CountingTruth) -> None:
    assert read_truth("counting", given) == truth
    assert truth.is_negative == (truth.count == 0)


@pytest.mark.parametrize("count", [0, 1, 12, LARGEST])
def test_the_gold_answer_is_read_as_the_truth(count: int) -> None:
    truth = CountingTruth(count)
    assert read_truth("counting", truth.solution) == truth
    assert [mark.label for mark in truth.marks()] == [str(count)]


@pytest.mark.parametrize("count", [-1, 3.0, "3", True, None, [3], LARGEST + 1])
def test_what_is_no_number_of_things_is_refused_with_a_remedy(count: object) -> None:
    with pytest.raises(UserError, match=r"no whole number from 0 on under the key 'count'; give \{\"count\": n\}"):
        read_truth("counting", {"count": count})


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "no whole number from 0 on"),
        ({"count": 3, "category": 5}, "'category' that is no text"),
        ({"count": 3, "category": " "}, "'category' that is no text"),
        ({"count": 3, "think": 1}, "'think' that is neither"),
        ("3", "is not a mapping"),
        ("<answer>3 or 4</answer>", "is no solution: 'or': not one number"),
        ("<answer>three</answer>", "is no solution: a number word"),
    ],
)
def test_other_truths_are_refused(given: object, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        read_truth("counting", given)


def test_in_words_it_says_of_what() -> None:
    assert read_truth("counting", json.dumps({"count": 2, "category": "cup"})).in_words() == "2 of 'cup'"
    assert read_truth("counting", {"count": 0}).in_words() == "0"
