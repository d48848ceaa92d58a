# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the audit asks its policies: questions with their truth, made up with a seed or read from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box
from verl_visual_rft.rewards.audit.priors import Prior, learn_prior
from verl_visual_rft.rewards.audit.random_boxes import random_box
from verl_visual_rft.tasks import Truth, read_truth
from verl_visual_rft.tasks.classification import ClassificationTruth
from verl_visual_rft.tasks.detection import DetectionTruth

#: Share of detection questions about an object that is not there.
P_NEGATIVE = 0.25
#: Share of classification questions that do not say what the other classes are.
P_OPEN_SET = 0.5
MOST_OBJECTS = 8

#: Names inside names, names that share words, names that differ in a number only.
CLASS_NAMES = (
    "rose",
    "pink primrose",
    "desert-rose",
    "marigold",
    "english marigold",
    "tree mallow",
    "mallow",
    "cat",
    "caterpillar",
    "tiger cat",
    "bull terrier",
    "bull",
    "pit bull terrier",
    "boxer",
    "737-200",
    "737-300",
    "A300",
    "A300-600",
    "2007 Falcon 2000 Sedan",
    "2012 Falcon 2000 Sedan",
    "2012 Falcon Coupe",
    "1994 Audi 100 Wagon",
    "car",
    "sports car",
)


@dataclass(frozen=True)
class Question:
    """One row that the policies answer.

    Attributes:
        task: "detection", "classification" or "grounding".
        ground_truth: As the row has it.
        truth: The same, typed.
        names: Every class name of the set, sorted; empty for other tasks. A policy may know the classes, for the
            prompt lists them, but not which one is right.
        prior: Where the boxes of the set lie; None for classification and without boxes.
        skill: How well an honest policy sees: see `policies.SKILLS`.
    """

    task: str
    ground_truth: str | Mapping[str, Any]
    truth: Truth
    names: tuple[str, ...] = ()
    prior: Prior | None = None
    skill: str = "moderate"


def make_question(task: str, ground_truth: str | Mapping[str, Any]) -> Question:
    """Read the truth of a row.

    Raises:
        UserError: The truth cannot be read: see `read_truth`.
    """
    return Question(task, ground_truth, read_truth(task, ground_truth))


def with_knowledge_of_the_set(questions: list[Question]) -> list[Question]:
    """Tell every question of a task what a policy can know of all: the class names, or where boxes lie."""
    truths = [question.truth for question in questions if isinstance(question.truth, ClassificationTruth)]
    names = tuple(sorted({name for truth in truths for name in (truth.label, *truth.labels)}))
    prior = learn_prior([_shares(question.truth) for question in questions])
    return [replace(question, names=names, prior=prior) for question in questions]


def built_in(task: str, size: int, seed: int, think: bool = True) -> list[Question]:
    """Make up ``size`` questions of a task; the same seed gives the same ones, with or without ``think``.

    Detection: a quarter of the questions have no object, the others one to eight, half of them more than one;
    classification: names as awkward as those of the paper's data sets, evenly, half of them with the closed set that
    they are of; grounding: one object.
    """
    rng = Random(f"{task} truths {seed}")
    form = {} if think else {"think": False}
    return with_knowledge_of_the_set([make_question(task, _TRUTHS[task](rng) | form) for _ in range(size)])


def _shares(truth: Truth) -> list[Box]:
    """The boxes of a truth as shares of the picture."""
    if isinstance(truth, ClassificationTruth):
        return []
    boxes = truth.boxes if isinstance(truth, DetectionTruth) else (truth.box,)
    x, y = truth.extent
    return [(x1 / x, y1 / y, x2 / x, y2 / y) for x1, y1, x2, y2 in boxes]


def _detection(rng: Random) -> dict[str, Any]:
    if rng.random() < P_NEGATIVE:
        return {"boxes": []}
    count = min(1 + int(rng.expovariate(0.7)), MOST_OBJECTS)
    return {"boxes": [random_box(rng, EXTENT) for _ in range(count)]}


def _classification(rng: Random) -> dict[str, Any]:
    truth: dict[str, Any] = {"label": rng.choice(CLASS_NAMES)}
    return truth if rng.random() < P_OPEN_SET else truth | {"labels": CLASS_NAMES}


def _grounding(rng: Random) -> dict[str, Any]:
    return {"box": random_box(rng, EXTENT)}


_TRUTHS = {"detection": _detection, "classification": _classification, "grounding": _grounding}
