# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Holding pictures out for validation where a data set comes without such a split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.question import Question

_Asked = TypeVar("_Asked", bound=Question)


def hold_out(questions: Sequence[_Asked], share: float, seed: int) -> tuple[list[_Asked], list[_Asked]]:
    """Divide questions into training and validation; all questions about one picture stay together.

    Each class gives ``floor(share * n)`` of its ``n`` pictures, and so do all pictures without a class together: no
    class is lost for training. The draw depends on the seed and the ids of the pictures, not on their order.

    Returns:
        Those to train on and those held out, both in the order given.

    Raises:
        UserError: No class has pictures enough to hold one out.
    """
    classes: dict[str, str] = {question.picture.id: "" for question in questions}
    for question in questions:
        if not load_task(question.task).coordinates:  # else pictures have as many names as objects
            classes[question.picture.id] = question.group
    pictures: dict[str, list[str]] = defaultdict(list)
    for picture_id, name in sorted(classes.items()):
        pictures[name].append(picture_id)
    held: set[str] = set()
    for name, ids in sorted(pictures.items()):
        held.update(Random(f"hold out {seed} {name}").sample(ids, int(share * len(ids))))
    if not held:
        raise UserError(f"a share of {share:g} for validation is less than one picture of any class; give a larger one")
    train = [question for question in questions if question.picture.id not in held]
    return train, [question for question in questions if question.picture.id in held]
