# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of pointing questions, and questions made up."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.tasks.audited import ALL, Question
from verl_visual_rft.tasks.audited.random_boxes import random_box
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL, size_of
from verl_visual_rft.tasks.pointing.audit.answers import pointing_truth

#: Share of instructions that mean nothing.
P_NEGATIVE = 0.25
MOST_TARGETS = 6

NO_TARGET, ONE, SEVERAL, ANY = "no target", "one target", "several targets", "with targets"
STRATA = (ALL, NO_TARGET, ANY, ONE, SEVERAL, SMALL, LARGE)


def strata_of(question: Question) -> frozenset[str]:
    """Return the kinds that a question is of; the size of several targets is the mean of the boxes around them."""
    truth = pointing_truth(question)
    if not truth.targets:
        return frozenset({ALL, NO_TARGET})
    number = ONE if len(truth.targets) == 1 else SEVERAL
    return frozenset({ALL, ANY, number, size_of([target.box for target in truth.targets], truth.extent)})


def make_truth(rng: Random) -> dict[str, Any]:
    """Make up targets: none in a quarter of the truths, else one to six, more than one in half of these."""
    if rng.random() < P_NEGATIVE:
        return {"targets": []}
    count = min(1 + int(rng.expovariate(0.7)), MOST_TARGETS)
    return {"targets": [_make_target(rng) for _ in range(count)]}


def _make_target(rng: Random) -> Mapping[str, Any]:
    """Make up a box, or a triangle or an ellipse that fills one."""
    x1, y1, x2, y2 = box = random_box(rng, EXTENT)
    kind = rng.random()
    if kind < 0.6:
        return {"box": list(box)}
    if kind < 0.8:
        return {"polygon": [[x1, y2], [rng.randint(int(x1), int(x2)), y1], [x2, y2]]}
    return {"point": [(x1 + x2) / 2, (y1 + y2) / 2], "radius": [(x2 - x1) / 2, (y2 - y1) / 2]}
