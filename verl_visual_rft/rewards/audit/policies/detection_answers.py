# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Detection answers as policies put them together: guesses, honest ones among them, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from random import Random
from typing import NamedTuple

from verl_visual_rft.boxes import Box, iou
from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.rewards.audit.policies.policy import response
from verl_visual_rft.rewards.audit.random_boxes import Extent, jittered, random_box, whole
from verl_visual_rft.rewards.audit.truth_sets import Question
from verl_visual_rft.truths import DetectionTruth

RECALL = 0.7
CONFIDENCE_NOISE = 0.12
P_FALSE_ALARM = 0.2  # beside the objects that are there
P_RIGHT_ON_NEGATIVE = 0.85


class Guess(NamedTuple):
    """A box and its confidence; those of a cheat need not be valid."""

    box: Box
    confidence: float


def honest_guesses(question: Question, rng: Random) -> list[Guess]:
    """Return what a detector of moderate quality sees."""
    truth = detection_truth(question)
    guesses = [_sighted(box, truth, rng) for box in truth.boxes if rng.random() < RECALL]
    if rng.random() < (P_FALSE_ALARM if truth.boxes else 1 - P_RIGHT_ON_NEGATIVE):
        guesses.append(Guess(random_box(rng, truth.extent), round(rng.uniform(0.05, 0.5), 2)))
    return guesses


def _sighted(box: Box, truth: DetectionTruth, rng: Random) -> Guess:
    seen = jittered(box, rng, truth.extent)
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


def claimed(guesses: Iterable[Guess], confidence: float) -> list[Guess]:
    """Return the same boxes, all with one confidence."""
    return [Guess(guess.box, confidence) for guess in guesses]


def random_guesses(count: int, question: Question, rng: Random) -> list[Guess]:
    """Return boxes anywhere, at confidence 0."""
    return [Guess(random_box(rng, detection_truth(question).extent), 0) for _ in range(count)]


def whole_image(question: Question, confidence: float) -> Guess:
    """Return one box over the whole picture."""
    x, y = detection_truth(question).extent
    return Guess(whole((0, 0, x, y), (x, y)), confidence)


@lru_cache
def written_grid(extent: Extent, columns: int, rows: int, confidence: float) -> str:
    """Write the cells that divide a picture evenly, as `written` does."""
    width, height = extent[0] / columns, extent[1] / rows
    corners = [(column * width, row * height) for row in range(rows) for column in range(columns)]
    return written(Guess(whole((x, y, x + width, y + height), extent), confidence) for x, y in corners)
