# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the audit asks its policies: a question with its truth, and what a policy can know of the set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks import Truth, read_truth
from verl_visual_rft.tasks.audited.priors import Prior, learn_prior


@dataclass(frozen=True)
class Question:
    """One row that the policies answer.

    Attributes:
        task: Name of the task.
        ground_truth: As the row has it, in JSON: a text is read once for all policies.
        truth: The same, typed.
        names: Every name that a truth of the set says (`Truth.names`), sorted. A policy may know them, for prompts list
            them, but not which one is right.
        prior: Where the boxes of the set lie; None without boxes.
        skill: How well an honest policy sees: one of `SKILLS`.
    """

    task: str
    ground_truth: str
    truth: Truth
    names: tuple[str, ...] = ()
    prior: Prior | None = None
    skill: str = "moderate"


def make_question(task: str, ground_truth: str | Mapping[str, Any]) -> Question:
    """Read the truth of a row.

    Raises:
        UserError: The truth cannot be read: see `read_truth`.
    """
    text = ground_truth if isinstance(ground_truth, str) else json.dumps(ground_truth)
    return Question(task, text, read_truth(task, ground_truth))


def with_knowledge_of_the_set(questions: list[Question]) -> list[Question]:
    """Tell every question of a task what a policy can know of all: the names, and where boxes lie."""
    names = tuple(sorted({name for question in questions for name in question.truth.names}))
    prior = learn_prior([_shares(question.truth) for question in questions])
    return [replace(question, names=names, prior=prior) for question in questions]


def _shares(truth: Truth) -> list[Box]:
    """The marks of a truth as boxes in shares of the picture."""
    x, y = truth.extent
    boxes = [mark.box for mark in truth.marks() if mark.points]
    return [(x1 / x, y1 / y, x2 / x, y2 / y) for x1, y1, x2, y2 in boxes]
