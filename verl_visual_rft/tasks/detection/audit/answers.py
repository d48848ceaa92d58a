# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Detection answers as policies put them together: guesses, honest ones among them, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from verl_visual_rft.boxes import Box, iou
from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited.policy import response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import (
    JITTER,
    STRONG_JITTER,
    WEAK_JITTER,
    jittered,
    random_box,
)
from verl_visual_rft.tasks.detection import DetectionTruth

CONFIDENCE_NOISE = 0.12


class Sight(NamedTuple):
    """How well a detector sees.

    Attributes:
        recall: Share of the objects that it finds.
        jitter: Spread of their edges in box sides.
        p_false_alarm: Probability of one box more where objects are.
        p_right_on_negative: Probability of saying so where nothing is.
    """

    recall: float
    jitter: float
    p_false_alarm: float
    p_right_on_negative: float


#: By skill; the mean IoU of what is found is about 0.5, 0.7 and 0.85.
SIGHT = {
    "weak": Sight(0.4, WEAK_JITTER, 0.4, 0.6),
    "moderate": Sight(0.7, JITTER, 0.2, 0.85),
    "strong": Sight(0.9, STRONG_JITTER, 0.05, 0.97),
}


class Guess(NamedTuple):
    """A box and its confidence; those of a cheat need not be valid."""

    box: Box
    confidence: float


def honest_guesses(question: Question, rng: Random) -> list[Guess]:
    """Return what a detector of the question's skill sees."""
    truth, sight = detection_truth(question), SIGHT[question.skill]
    guesses = [_sighted(box, truth, sight, rng) for box in truth.boxes if rng.random() < sight.recall]
    if rng.random() < (sight.p_false_alarm if truth.boxes else 1 - sight.p_right_on_negative):
        guesses.append(Guess(random_box(rng, truth.extent), round(rng.uniform(0.05, 0.5), 2)))
    return guesses


def _sighted(box: Box, truth: DetectionTruth, sight: Sight, rng: Random) -> Guess:
    seen = jittered(box, rng, truth.extent, sight.jitter)
    confidence = min(max(rng.gauss(iou(seen, box), CONFIDENCE_NOISE), 0.05), 0.99)
    return Guess(seen, round(confidence, 2))


def detection_truth(question: Question) -> DetectionTruth:
    """Return the truth of a detection question."""
    assert isinstance(question.truth, DetectionTruth)
    return question.truth


def answer(guesses: Iterable[Guess], rng: Random) -> str:
    """Write guesses as a whole response, with reasoning."""
    return response(written(guesses), rng)


def written(guesses: Iterable[Guess]) -> str:
    """Write guesses as the prompt asks for them; none as "No Objects"."""
    items = [{"Position": box, "Confidence": confidence} for box, confidence in guesses]
    return json.dumps(items).replace('"', "'") if items else NO_OBJECTS


def claimed(boxes: Iterable[Box], confidence: float) -> list[Guess]:
    """Return boxes as guesses, all with one confidence."""
    return [Guess(box, confidence) for box in boxes]


def random_guesses(count: int, question: Question, rng: Random) -> list[Guess]:
    """Return boxes anywhere, at confidence 0."""
    return claimed((random_box(rng, question.truth.extent) for _ in range(count)), 0)
