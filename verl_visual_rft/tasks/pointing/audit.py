# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The audit of pointing: kinds of questions, an honest policy, cheats without a look and on top of honest answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box
from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited import ALL, AuditedTask, Question
from verl_visual_rft.tasks.audited.fixed_boxes import prior_of
from verl_visual_rft.tasks.audited.policy import (
    SILENT,
    Respond,
    copied_template,
    in_tags,
    policies,
    reasoning_cheats,
    response,
    rewritten,
    tabulated,
    unasked_reasoning,
)
from verl_visual_rft.tasks.audited.random_boxes import distinct, random_box
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL, size_of
from verl_visual_rft.tasks.marks import Point
from verl_visual_rft.tasks.pointing.target import Target
from verl_visual_rft.tasks.pointing.truth import PointingTruth

#: Share of instructions that mean nothing.
P_NEGATIVE = 0.25
MOST_TARGETS = 6

NO_TARGET, ONE, SEVERAL, ANY = "no target", "one target", "several targets", "with targets"
STRATA = (ALL, NO_TARGET, ANY, ONE, SEVERAL, SMALL, LARGE)


def _truth(question: Question) -> PointingTruth:
    assert isinstance(question.truth, PointingTruth)
    return question.truth


def strata_of(question: Question) -> frozenset[str]:
    """Return the kinds that a question is of; the size of several targets is the mean of the boxes around them."""
    truth = _truth(question)
    if not truth.targets:
        return frozenset({ALL, NO_TARGET})
    number = ONE if len(truth.targets) == 1 else SEVERAL
    return frozenset({ALL, ANY, number, size_of([target.box for target in truth.targets], truth.extent)})


def make_truth(rng: Random) -> dict[str, Any]:
    """Make up targets: none in a quarter of the truths, else one to six, more than one in half of these."""
    if rng.random() < P_NEGATIVE:
        return {"targets": []}
    count = min(1 + int(rng.expovariate(0.7)), MOST_TARGETS)
    return {"targets": distinct([_make_target(rng) for _ in range(count)])}


def _make_target(rng: Random) -> Mapping[str, Any]:
    """Make up a box, or a triangle or an ellipse that fills one."""
    x1, y1, x2, y2 = box = random_box(rng, EXTENT)
    kind = rng.random()
    if kind < 0.6:
        return {"box": list(box)}
    if kind < 0.8:
        return {"polygon": [[x1, y2], [rng.randint(int(x1), int(x2)), y1], [x2, y2]]}
    return {"point": [(x1 + x2) / 2, (y1 + y2) / 2], "radius": [(x2 - x1) / 2, (y2 - y1) / 2]}


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
    truth, sight = _truth(question), SIGHT[question.skill]
    points = []
    for target in truth.targets:
        if rng.random() < sight.p_found:
            points.append(_seen(target, sight.spread, question, rng))
        elif rng.random() < sight.p_elsewhere:
            points += _random(1, question, rng)
    if not truth.targets and rng.random() >= sight.p_right_on_negative:
        points += _random(1, question, rng)
    return points


def _seen(target: Target, spread: float, question: Question, rng: Random) -> Point:
    x1, y1, x2, y2 = target.box
    x, y = target.middle
    return _within(rng.gauss(x, spread * (x2 - x1)), rng.gauss(y, spread * (y2 - y1)), question)


def honest(question: Question, rng: Random) -> str:
    """Finds 70 % of the targets and hits nine of ten of these; points elsewhere for half of the others."""
    return response(_said(question, rng), rng)


def _said(question: Question, rng: Random) -> str:
    return _written(honest_points(question, rng))


def _written(points: Sequence[Sequence[float]]) -> str:
    """Write points as the prompt asks for them; none as "No Objects"."""
    return json.dumps([{"point_2d": list(point)} for point in points]) if points else NO_OBJECTS


def _within(x: float, y: float, question: Question) -> Point:
    """Return a point in whole numbers inside the picture."""
    x_end, y_end = question.truth.extent
    return round(min(max(x, 0), x_end)), round(min(max(y, 0), y_end))


def _at(across: float, down: float, question: Question) -> Point:
    """Return a point that is given in shares of the picture."""
    x, y = question.truth.extent
    return _within(across * x, down * y, question)


def _centre(box: Box, question: Question) -> Point:
    """Return the middle of a box of the set's statistics, which is in shares of the picture."""
    return _at((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, question)


def _random(count: int, question: Question, rng: Random) -> list[Point]:
    """Return points anywhere."""
    x, y = question.truth.extent
    return [_within(rng.uniform(0, x), rng.uniform(0, y), question) for _ in range(count)]


def _giving(points: Callable[[Question], Sequence[Point]]) -> Respond:
    """Answer with the same points."""
    return lambda question, rng: response(_written(points(question)), rng)


def _anywhere(count: int) -> Respond:
    return lambda question, rng: response(_written(_random(count, question, rng)), rng)


def _grid(question: Question) -> list[Point]:
    shares = [(place + 0.5) / 10 for place in range(10)]
    return [_at(x, y, question) for y in shares for x in shares]


def _clusters(question: Question) -> list[Point]:
    return [_centre(box, question) for box, _ in prior_of(question).clusters]


def _whole_image_box(question: Question, rng: Random) -> str:
    x, y = map(int, question.truth.extent)
    return response(f'[{{"bbox_2d": [0, 0, {x}, {y}]}}]', rng)


def _spoilt(change: Callable[[list[Point], Question, Random], Sequence[Point]]) -> Respond:
    """Answer with what is made of the honest points."""
    return lambda question, rng: response(_written(change(honest_points(question, rng), question, rng)), rng)


def _noted(write: Callable[[list[Point]], str]) -> Respond:
    """Answer with the honest points in another notation."""
    return lambda question, rng: response(write(honest_points(question, rng)) or NO_OBJECTS, rng)


def _shifted(point: Point, question: Question, rng: Random) -> Point:
    x, y = question.truth.extent
    return _within(rng.gauss(point[0], 0.05 * x), rng.gauss(point[1], 0.05 * y), question)


def _left_out(points: Sequence[Point], question: Question) -> int:
    # Not where it says "No Objects": to know better there is no cheat, see "never no objects".
    return max(0, len(_truth(question).targets) - len(points)) if points else 0


def _copies_to_the_count(points: list[Point], question: Question, rng: Random) -> list[Point]:
    return points + [_shifted(rng.choice(points), question, rng) for _ in range(_left_out(points, question))]


def _most_frequent_count(points: list[Point], question: Question, rng: Random) -> list[Point]:
    count = prior_of(question).count
    return points[:count] + _random(max(0, count - len(points)), question, rng)


def _pulled_to_the_centre(points: list[Point], question: Question, rng: Random) -> list[Point]:
    middle = _at(0.5, 0.5, question)
    return [_within(0.75 * x + 0.25 * middle[0], 0.75 * y + 0.25 * middle[1], question) for x, y in points]


def _mean(points: list[Point], question: Question, rng: Random) -> list[Point]:
    if not points:
        return []
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return [_within(x, y, question)]


def _boxes_around(points: list[Point]) -> str:
    boxes = [{"bbox_2d": [x - 20, y - 20, x + 20, y + 20]} for x, y in points]
    return json.dumps(boxes) if boxes else ""


_KNOWN = {ANY, ONE, SEVERAL, SMALL, LARGE}

_BLIND = tabulated(
    {
        **SILENT,
        "no objects always": ("Says that nothing is meant: earns whatever negatives pay.", NO_OBJECTS),
        "empty list": ("Lists nothing: no point that could be wrong.", "[]"),
        "centre point": (
            "The middle of the picture, where photographers put things.",
            _giving(lambda question: [_at(0.5, 0.5, question)]),
        ),
        "mean point of the set": (
            "The mean of all targets of the data set.",
            _giving(lambda question: [_centre(prior_of(question).mean_box, question)]),
        ),
        "best fixed point": (
            "The middle of the target of the data set that overlaps the others best.",
            _giving(lambda question: [_centre(prior_of(question).best_box, question)]),
        ),
        "likeliest cluster": (
            "The centre of the largest cluster alone.",
            _giving(lambda question: _clusters(question)[:1]),
        ),
        "points of three clusters": (
            "The centres of three k-means clusters of the data set's targets.",
            _giving(_clusters),
        ),
        "random point anywhere": ("A point anywhere.", _anywhere(1)),
        "grid of 100 points": ("Every place at once: hardly a target is missed.", _giving(_grid)),
        "thousand points": ("A thousand points anywhere: one of them hits.", _anywhere(1000)),
        "out of range point": ("A point far beyond the picture.", '[{"point_2d": [99999, 99999]}]'),
        "nan point": ("A point that is no number: no comparison with it is true.", '[{"point_2d": [NaN, NaN]}]'),
        "whole image box": ("A box over everything instead of a point.", _whole_image_box),
        **copied_template('[{"point_2d": [x, y]}, ...]'),
    },
    blind=True,
    right_in={"no objects always": {NO_TARGET}, "empty list": {NO_TARGET}},
)
_CHEATS = _BLIND + tabulated(
    {
        "duplicates": (
            "Every honest point three times.",
            _spoilt(lambda points, question, rng: [point for point in points for _ in range(3)]),
        ),
        "jittered duplicates": (
            "Every honest point with two shifted copies: second and third guesses.",
            _spoilt(lambda points, question, rng: points + [_shifted(point, question, rng) for point in points * 2]),
        ),
        "second guess": (
            "The honest points, and one at random.",
            _spoilt(lambda points, question, rng: points + _random(1, question, rng)),
        ),
        "padding": (
            "The honest points and five at random.",
            _spoilt(lambda points, question, rng: points + _random(5, question, rng)),
        ),
        "padding to the count": (
            "Knows how many targets there are: where honesty points at all, random points for those that it left out.",
            _spoilt(lambda points, question, rng: points + _random(_left_out(points, question), question, rng)),
        ),
        "copies to the count": (
            "The same with shifted copies of the honest points, where targets stand close together.",
            _spoilt(_copies_to_the_count),
        ),
        "most frequent count": (
            "The honest points, cut or padded at random to the most frequent number of targets.",
            _spoilt(_most_frequent_count),
        ),
        "one point only": ("The first honest point alone.", _spoilt(lambda points, question, rng: points[:1])),
        "never no objects": (
            'The honest points, and a random one where honesty says "No Objects".',
            _spoilt(lambda points, question, rng: points or _random(1, question, rng)),
        ),
        "points and no objects": (
            'The honest points and "No Objects" in one answer: right either way.',
            in_tags(_said, "{} No Objects".format),
        ),
        "two answers": (
            'The honest points in one answer block and "No Objects" in the next.',
            rewritten(honest, "{} <answer>No Objects</answer>".format),
        ),
        "pulled to the centre": (
            "The honest points, each a quarter of the way to the middle of the picture: a hedge.",
            _spoilt(_pulled_to_the_centre),
        ),
        "mean of the points": ("One point in the middle of the honest ones.", _spoilt(_mean)),
        "boxes around the points": ("Every honest point as a box around it.", _noted(_boxes_around)),
        **reasoning_cheats(_said),
        "no tags": ("The honest points without any tags, for the parser to repair.", _said),
        "pairs of coordinates": (
            "The honest points as ``(x, y)``, for the parser to repair.",
            _noted(lambda points: ", ".join(f"({x}, {y})" for x, y in points)),
        ),
        "points in a sentence": (
            "The honest points with words around them, for the parser to repair.",
            in_tags(_said, "It is at {}, I believe.".format),
        ),
    },
    right_in={
        "two answers": {NO_TARGET},
        "one point only": {ONE},
        # That something is meant, or how much.
        "most frequent count": _KNOWN,
        "padding to the count": _KNOWN,
        "copies to the count": _KNOWN,
        "never no objects": _KNOWN,
    },
)

(_HONEST,) = policies(honest)
AUDIT = AuditedTask(_HONEST, _CHEATS, unasked_reasoning(honest), STRATA, strata_of, make_truth)
