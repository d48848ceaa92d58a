# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of detection questions, and questions made up."""

from __future__ import annotations

from random import Random
from typing import Any

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.tasks.audited import ALL, Question
from verl_visual_rft.tasks.audited.random_boxes import random_box
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL, size_of
from verl_visual_rft.tasks.detection.truth import DetectionTruth

#: Share of questions about an object that is not there.
P_NEGATIVE = 0.25
MOST_OBJECTS = 8

NO_OBJECT, ONE, SEVERAL, ANY = "no object", "one object", "several objects", "with objects"
STRATA = (ALL, NO_OBJECT, ANY, ONE, SEVERAL, SMALL, LARGE)


def strata_of(question: Question) -> frozenset[str]:
    """Return the kinds that a question is of; the size of several objects is their mean."""
    truth = question.truth
    assert isinstance(truth, DetectionTruth)
    if not truth.boxes:
        return frozenset({ALL, NO_OBJECT})
    number = ONE if len(truth.boxes) == 1 else SEVERAL
    return frozenset({ALL, ANY, number, size_of(truth.boxes, truth.extent)})


def make_truth(rng: Random) -> dict[str, Any]:
    """Make up boxes: none in a quarter of the truths, else one to eight, more than one in half of these."""
    if rng.random() < P_NEGATIVE:
        return {"boxes": []}
    count = min(1 + int(rng.expovariate(0.7)), MOST_OBJECTS)
    return {"boxes": [random_box(rng, EXTENT) for _ in range(count)]}
