# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of grounding questions, and questions made up."""

from __future__ import annotations

from random import Random
from typing import Any

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.tasks.audited import ALL, Question
from verl_visual_rft.tasks.audited.random_boxes import random_box
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL, size_of
from verl_visual_rft.tasks.grounding import GroundingTruth

#: Share of questions that ask for one box, as the published ones do; of the others, share that mean nothing.
P_ONE_ASKED, P_NEGATIVE = 0.5, 0.25
MOST_BOXES = 6

ONE_ASKED = "one box asked for"
#: Where any number is asked for.
NO_TARGET, ONE, SEVERAL = "no target", "one target", "several targets"
STRATA = (ALL, ONE_ASKED, NO_TARGET, ONE, SEVERAL, SMALL, LARGE)


def grounding_truth(question: Question) -> GroundingTruth:
    """Return the truth of a grounding question."""
    assert isinstance(question.truth, GroundingTruth)
    return question.truth


def strata_of(question: Question) -> frozenset[str]:
    """Return the kinds that a question is of; the size of several boxes is their mean."""
    truth = grounding_truth(question)
    if not truth.boxes:
        return frozenset({ALL, NO_TARGET})
    number = (ONE if truth.box else SEVERAL) if truth.any_number else ONE_ASKED
    return frozenset({ALL, number, size_of(truth.boxes, truth.extent)})


def make_truth(rng: Random) -> dict[str, Any]:
    """Make up one box, or, where any number is asked for, none in a quarter, else one to six, half of them several."""
    if rng.random() < P_ONE_ASKED:
        return {"box": random_box(rng, EXTENT)}
    if rng.random() < P_NEGATIVE:
        return {"boxes": []}
    count = min(1 + int(rng.expovariate(0.7)), MOST_BOXES)
    return {"boxes": [random_box(rng, EXTENT) for _ in range(count)]}
