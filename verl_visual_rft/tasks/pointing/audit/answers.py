# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pointing answers as policies put them together: guesses, honest ones among them, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

from verl_visual_rft.boxes import Box
from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited.policy import response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.marks import Point
from verl_visual_rft.tasks.pointing.target import Target
from verl_visual_rft.tasks.pointing.truth import PointingTruth


class Sight(NamedTuple):
    """How well a policy sees.

    Attributes:
        p_found: Share of the targets that it finds.
        spread: Of its points around their middles, in sides of the box around the target.
        p_elsewhere: Probability of a point elsewhere for a target that it does not find; else there is none.
        p_right_on_negative: Probability of saying so where nothing is meant.
    """

    p_found: float
    spread: float
    p_elsewhere: float
    p_right_on_negative: float


#: By skill; a box is hit by about 70, 90 and 100 % of the points at what is found.
SIGHT = {
    "weak": Sight(0.4, 0.35, 0.6, 0.6),
    "moderate": Sight(0.7, 0.25, 0.5, 0.85),
    "strong": Sight(0.9, 0.15, 0.4, 0.97),
}


def honest_points(question: Question, rng: Random) -> list[Point]:
    """Return where a policy of the question's skill points."""
    truth, sight = pointing_truth(question), SIGHT[question.skill]
    points = []
    for target in truth.targets:
        if rng.random() < sight.p_found:
            points.append(_seen(target, sight.spread, truth.extent, rng))
        elif rng.random() < sight.p_elsewhere:
            points.append(random_point(question, rng))
    if not truth.targets and rng.random() >= sight.p_right_on_negative:
        points.append(random_point(question, rng))
    return points


def _seen(target: Target, spread: float, extent: tuple[float, float], rng: Random) -> Point:
    x1, y1, x2, y2 = target.box
    x, y = target.middle
    return within((rng.gauss(x, spread * (x2 - x1)), rng.gauss(y, spread * (y2 - y1))), extent)


def within(point: Point, extent: tuple[float, float]) -> Point:
    """Return a point in whole numbers inside the picture."""
    return round(min(max(point[0], 0), extent[0])), round(min(max(point[1], 0), extent[1]))


def pointing_truth(question: Question) -> PointingTruth:
    """Return the truth of a pointing question."""
    assert isinstance(question.truth, PointingTruth)
    return question.truth


def random_point(question: Question, rng: Random) -> Point:
    """Return a point anywhere."""
    x, y = pointing_truth(question).extent
    return within((rng.uniform(0, x), rng.uniform(0, y)), (x, y))


def random_points(count: int, question: Question, rng: Random) -> list[Point]:
    """Return points anywhere."""
    return [random_point(question, rng) for _ in range(count)]


def at(across: float, down: float, question: Question) -> Point:
    """Return a point that is given in shares of the picture."""
    x, y = pointing_truth(question).extent
    return within((across * x, down * y), (x, y))


def centre(box: Box, question: Question) -> Point:
    """Return the middle of a box of the set's statistics, which is in shares of the picture."""
    return at((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, question)


def answer(points: Iterable[Sequence[float]], rng: Random) -> str:
    """Write points as a whole response, with reasoning."""
    return response(written(points), rng)


def written(points: Iterable[Sequence[float]]) -> str:
    """Write points as the prompt asks for them; none as "No Objects"."""
    items = [{"point_2d": list(point)} for point in points]
    return json.dumps(items) if items else NO_OBJECTS
