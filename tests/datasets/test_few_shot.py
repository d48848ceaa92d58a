# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Draws of k shots: how many, what they depend on, nesting. CoOp's lists: readers/test_paper_splits.py."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.datasets.few_shot import MOST_VAL_SHOTS, SAMPLERS, coop, nested, short_classes
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet
from verl_visual_rft.tasks.question import Picture

CLASSES = ClassSet(("rose", "tulip", "daisy"), "a plant", "the species of the plant")
SHOTS = (1, 2, 4, 8, 16)
sizes = st.tuples(*(st.integers(1, 20) for _ in CLASSES.names))


def questions(sizes: tuple[int, ...], prefix: str = "t") -> list[ClassificationQuestion]:
    return [
        ClassificationQuestion(Picture(f"{prefix}{label}-{i:02d}", Path("x.jpg"), "x.jpg"), label, CLASSES)
        for label, size in enumerate(sizes)
        for i in range(size)
    ]


def ids(drawn: list[ClassificationQuestion]) -> set[str]:
    return {question.picture.id for question in drawn}


@pytest.mark.parametrize("sampler", SAMPLERS)
@given(train=sizes, val=sizes, shots=st.integers(1, 20), seed=st.integers(0, 9))
def test_each_class_gets_k_or_all_that_it_has(
    sampler: str, train: tuple[int, ...], val: tuple[int, ...], shots: int, seed: int
) -> None:
    drawn = SAMPLERS[sampler](questions(train), questions(val, "v"), shots, seed)
    for chosen, available, most in zip(drawn, (train, val), (shots, min(shots, MOST_VAL_SHOTS)), strict=True):
        assert len(ids(chosen)) == len(chosen)
        assert Counter(q.label for q in chosen) == {label: min(size, most) for label, size in enumerate(available)}
    assert drawn == SAMPLERS[sampler](questions(train), questions(val, "v"), shots, seed)


@given(train=sizes, val=sizes, seed=st.integers(0, 9), order=st.randoms(use_true_random=False))
def test_nested_draws_hold_those_of_fewer_shots_in_any_order_of_the_list(
    train: tuple[int, ...], val: tuple[int, ...], seed: int, order: random.Random
) -> None:
    shuffled = questions(train)
    order.shuffle(shuffled)
    draws = [nested(questions(train), questions(val, "v"), shots, seed) for shots in SHOTS]
    assert [nested(shuffled, questions(val, "v"), shots, seed) for shots in SHOTS] == draws
    for fewer, more in zip(draws, draws[1:], strict=False):
        assert ids(fewer[0]) <= ids(more[0]) and ids(fewer[1]) <= ids(more[1])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_seeds_draw_differently(sampler: str) -> None:
    drawn = [SAMPLERS[sampler](questions((20, 20, 20)), [], 4, seed) for seed in range(5)]
    assert len({frozenset(ids(train)) for train, _ in drawn}) == 5


def test_a_class_below_the_shots_leaves_coops_stream_alone() -> None:
    short, _ = coop(questions((3, 9, 9)), [], 4, seed=1)
    absent, _ = coop(questions((0, 9, 9)), [], 4, seed=1)
    assert short == [*questions((3,)), *absent]


def test_draws_leave_the_lists_as_they_are() -> None:
    train = questions((9, 9, 9))
    for sampler in SAMPLERS.values():
        sampler(train, train, 2, 0)
    assert train == questions((9, 9, 9))


def test_classes_below_the_shots_are_named() -> None:
    assert short_classes(questions((3, 5, 4)), 4) == {"rose": 3}
    assert short_classes(questions((3, 0, 4)), 3) == {"tulip": 0}
