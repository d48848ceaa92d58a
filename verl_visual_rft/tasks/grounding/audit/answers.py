# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Grounding answers as policies put them together: guesses, honest ones among them, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.audited.policy import response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import (
    JITTER,
    STRONG_JITTER,
    WEAK_JITTER,
    elsewhere,
    jittered,
    random_box,
)
from verl_visual_rft.tasks.grounding.audit.questions import grounding_truth
from verl_visual_rft.tasks.grounding.prompt import written


class Sight(NamedTuple):
    """How well a policy sees.

    Attributes:
        p_found: Share of the objects that it finds.
        jitter: Spread of the edges of its boxes on these.
        p_elsewhere: Where any number is asked for, probability of a box elsewhere for an object that it does not find;
            else there is none.
        p_right_on_negative: Probability of saying so where nothing is meant.
    """

    p_found: float
    jitter: float
    p_elsewhere: float
    p_right_on_negative: float


SIGHT = {
    "weak": Sight(0.3, WEAK_JITTER, 0.6, 0.6),
    "moderate": Sight(0.6, JITTER, 0.5, 0.85),
    "strong": Sight(0.9, STRONG_JITTER, 0.4, 0.97),
}


def honest_boxes(question: Question, rng: Random) -> list[Box]:
    """Return what a policy of the question's skill boxes: where one box is asked for, always one."""
    truth, sight = grounding_truth(question), SIGHT[question.skill]
    boxes = []
    for box in truth.boxes:
        if rng.random() < sight.p_found:
            boxes.append(jittered(box, rng, truth.extent, sight.jitter))
        elif not truth.any_number or rng.random() < sight.p_elsewhere:
            boxes.append(elsewhere(box, rng, truth.extent))
    if not truth.boxes and rng.random() >= sight.p_right_on_negative:
        boxes.append(random_box(rng, truth.extent))
    return boxes


def random_boxes(count: int, question: Question, rng: Random) -> list[Box]:
    """Return boxes of common sizes anywhere."""
    return [random_box(rng, grounding_truth(question).extent) for _ in range(count)]


def answer(boxes: Sequence[Box], rng: Random) -> str:
    """Write boxes as a whole response, with reasoning; none as "No Objects"."""
    return response(written(boxes), rng)
