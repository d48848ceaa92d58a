# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Answers about several categories as policies put them together: guesses, honest ones among them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from verl_visual_rft.boxes import Box
from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited.policy import response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import jittered, random_box
from verl_visual_rft.tasks.detection.audit.answers import SIGHT
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth

#: Share of what an honest policy finds that it names right, by skill.
NAMED_RIGHT = {"weak": 0.6, "moderate": 0.85, "strong": 0.95}


class Guess(NamedTuple):
    """A box and its label; those of a cheat need not be valid."""

    box: Box
    label: str
    confidence: float | None = None


def labelled_truth(question: Question) -> LabelledTruth:
    """Return the truth of a question about several categories."""
    assert isinstance(question.truth, LabelledTruth)
    return question.truth


def honest_guesses(question: Question, rng: Random) -> list[Guess]:
    """Return what a detector of the question's skill sees, and takes it for."""
    truth, sight = labelled_truth(question), SIGHT[question.skill]
    guesses = []
    for box, label in truth.objects:
        if rng.random() < sight.recall:
            others = [name for name in truth.categories if name != label]
            right = rng.random() < NAMED_RIGHT[question.skill] or not others
            guesses.append(
                Guess(jittered(box, rng, truth.extent, sight.jitter), label if right else rng.choice(others))
            )
    if rng.random() < (sight.p_false_alarm if truth.objects else 1 - sight.p_right_on_negative):
        guesses.append(Guess(random_box(rng, truth.extent), rng.choice(truth.categories)))
    return guesses


def answer(guesses: Iterable[Guess], rng: Random) -> str:
    """Write guesses as a whole response, with reasoning."""
    return response(written(guesses), rng)


def written(guesses: Iterable[Guess]) -> str:
    """Write guesses as the prompt asks for them; none as "No Objects"."""
    items = []
    for box, label, confidence in guesses:
        sure = {} if confidence is None else {"confidence": confidence}
        items.append({"bbox_2d": box, "label": label, **sure})
    return json.dumps(items, ensure_ascii=False) if items else NO_OBJECTS
