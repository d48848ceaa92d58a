# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of holding pictures out for validation."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.datasets.hold_out import hold_out
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.question import Picture, Question

CLASSES = ClassSet(("rose", "tulip"), "a plant", "the species of the plant")


def picture(number: int) -> Picture:
    return Picture(f"{number}.jpg", Path(f"{number}.jpg"), f"{number}.jpg")


def classify(number: int, label: int) -> ClassificationQuestion:
    return ClassificationQuestion(picture(number), label, CLASSES)


def test_each_class_gives_its_share() -> None:
    questions = [classify(number, label=number % 5 == 0) for number in range(50)]
    train, val = hold_out(questions, share=0.25, seed=0)
    assert Counter(question.name for question in val) == {"rose": 10, "tulip": 2}
    assert [question for question in questions if question in train] == train
    assert not {q.picture.id for q in train} & {q.picture.id for q in val}


@given(st.permutations(range(20)))
def test_the_draw_does_not_depend_on_the_order(order: list[int]) -> None:
    def held(numbers: list[int]) -> set[str]:
        return {q.picture.id for q in hold_out([classify(n, n % 2) for n in numbers], share=0.3, seed=7)[1]}

    assert held(order) == held(list(range(20)))


def test_the_seed_changes_the_draw() -> None:
    questions = [classify(number, 0) for number in range(100)]
    assert hold_out(questions, 0.5, seed=0)[1] != hold_out(questions, 0.5, seed=1)[1]


def test_questions_about_one_picture_stay_together() -> None:
    questions: list[Question] = []
    for number in range(10):
        questions += [
            DetectionQuestion(picture(number), "cup", 1, ()),
            classify(number, 0),
            GroundingQuestion(picture(number), "what one drinks from", ((0.0, 0.0, 1.0, 1.0),)),
        ]
    train, val = hold_out(questions, share=0.3, seed=0)
    assert (len(train), len(val)) == (21, 9)


def test_too_small_a_share_is_refused() -> None:
    with pytest.raises(UserError, match=r"0\.1 for validation is less than one picture"):
        hold_out([classify(number, number % 2) for number in range(18)], share=0.1, seed=0)
