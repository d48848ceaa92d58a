# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of questions about several categories, and questions made up."""

from __future__ import annotations

from random import Random
from typing import Any

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.tasks.audited import ALL, Question
from verl_visual_rft.tasks.audited.random_boxes import random_box
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL, size_of
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth

#: Share of questions about categories of which none is there.
P_NEGATIVE = 0.2
MOST_OBJECTS = 12

#: Names that share words, and names inside names.
CATEGORIES = (
    "person",
    "car",
    "sports car",
    "dog",
    "hot dog",
    "bear",
    "teddy bear",
    "cup",
    "wine glass",
    "traffic light",
    "bus",
    "bicycle",
)

NO_OBJECT, ONE_LABEL, SEVERAL_LABELS, ANY = "no object", "one label", "several labels", "with objects"
STRATA = (ALL, NO_OBJECT, ANY, ONE_LABEL, SEVERAL_LABELS, SMALL, LARGE)


def strata_of(question: Question) -> frozenset[str]:
    """Return the kinds that a question is of; the size of several objects is their mean."""
    truth = question.truth
    assert isinstance(truth, LabelledTruth)
    if not truth.objects:
        return frozenset({ALL, NO_OBJECT})
    number = ONE_LABEL if len({label for _, label in truth.objects}) == 1 else SEVERAL_LABELS
    return frozenset({ALL, ANY, number, size_of(truth.boxes, truth.extent)})


def make_truth(rng: Random) -> dict[str, Any]:
    """Make up objects of two to all categories: none in a fifth of the truths, else up to twelve, of one to four."""
    categories = rng.sample(CATEGORIES, rng.choice([2, 3, 4, 6, len(CATEGORIES)]))
    objects: list[dict[str, Any]] = []
    if rng.random() >= P_NEGATIVE:
        there = rng.sample(categories, min(rng.choice([1, 1, 2, 2, 3, 4]), len(categories)))
        # The first categories are the more frequent ones, as in any picture: one of many, a few of others.
        labels = there + [there[int(len(there) * rng.random() ** 2)] for _ in range(int(rng.expovariate(0.5)))]
        objects = [{"bbox_2d": random_box(rng, EXTENT), "label": label} for label in labels[:MOST_OBJECTS]]
    return {"categories": categories, "objects": objects}
