# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from verl_visual_rft.answers import parse_detection
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.detection import ScoredPrediction
from verl_visual_rft.evaluation.gallery import by_question, choose_questions
from verl_visual_rft.evaluation.predictions import Prediction

BLANK = Prediction(0, "0", "cat", 1, 10, 10, '{"boxes": []}', "", 0, "stop")


def _scored(rewards):
    return [
        ScoredPrediction(replace(BLANK, index=i, image_id=str(i)), parse_detection(""), {"score": reward})
        for i, reward in enumerate(rewards)
    ]


def _choose(base, rft, count):
    groups = choose_questions(by_question({"rft": _scored(rft), "base": _scored(base)}), count)
    return {group.title: (group.of, [int(image_id) for image_id, _ in group.questions]) for group in groups}


@pytest.mark.parametrize(
    ("change", "count", "expected"),
    [
        ([1, -1, 0, 1, -1, 0], 3, {"Better": (2, [0]), "Unchanged": (2, [2]), "Worse": (2, [1])}),
        # Equal distances in the order of the file.
        ([1] * 10, 5, {"Better": (10, [0, 2, 4, 6, 8]), "Unchanged": (0, []), "Worse": (0, [])}),
        # A small group leaves its places to the others.
        ([1, 1, 1, 1, 0, 0, 0, 0, -1], 7, {"Better": (4, [0, 1, 2]), "Unchanged": (4, [4, 5, 6]), "Worse": (1, [8])}),
        ([1, -1], 24, {"Better": (1, [0]), "Unchanged": (0, []), "Worse": (1, [1])}),
        ([1, 0, -1], 0, {"Better": (1, []), "Unchanged": (1, []), "Worse": (1, [])}),
    ],
)
def test_choice(change, count, expected):
    assert _choose([1.0] * len(change), [1.0 + value for value in change], count) == expected


def test_one_method_alone_is_spread_over_the_file():
    (group,) = choose_questions(by_question({"base": _scored([0.0] * 9)}), 3)
    assert (group.title, [key[0] for key in group.questions]) == ("Answers", ["0", "3", "6"])


def test_methods_that_answered_other_questions():
    with pytest.raises(UserError, match="'base' and 'rft' differ in 1 questions"):
        by_question({"base": _scored([0.0, 0.0]), "rft": _scored([0.0])})
