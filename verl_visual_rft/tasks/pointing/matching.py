# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which point of an answer stands for which target."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product

from verl_visual_rft.tasks.marks import Point, point_mark
from verl_visual_rft.tasks.matching import Match, Matching, Report
from verl_visual_rft.tasks.pointing.answer import PointingAnswer
from verl_visual_rft.tasks.pointing.target import Target
from verl_visual_rft.tasks.pointing.truth import PointingTruth

#: Standard deviation of the Gaussian along each axis, as a share of the target's side: GUI-G2's alpha.
ALPHA = 0.5
#: Answers are whole numbers, so this much of each distance is rounding.
_ROUNDING = 0.5

_RULE = "one to one, points inside targets first, the others nearest first"


@dataclass(frozen=True)
class Pair:
    """A point of an answer and the target that it stands for, both by their places; whether it is inside."""

    point: int
    target: int
    inside: bool


def gaussian(point: Point, target: Target, alpha: float = ALPHA) -> float:
    """Return how near a point is to the middle of a target, for the target's size, in (0, 1].

    ``exp(-((dx / sx)^2 + (dy / sy)^2) / 2)`` with ``s = alpha * side`` of the box around the target, along each axis:
    the point reward of GUI-G2 (arXiv 2507.15846), whose targets are boxes. It is 1 within half a unit of the middle:
    answers are whole numbers.

    Example:
        >>> from verl_visual_rft.tasks.pointing.target import BoxTarget
        >>> round(gaussian((100.5, 50), BoxTarget((0, 0, 100, 100))), 4)
        0.6065
    """
    return _gaussians([point], target, alpha)[0]


def _gaussians(points: Sequence[Point], target: Target, alpha: float = ALPHA) -> list[float]:
    """Return `gaussian` of each point; the target is asked once where it is and how large."""
    x1, y1, x2, y2 = target.box
    x, y = target.middle
    wide, high = alpha * (x2 - x1), alpha * (y2 - y1)
    values = []
    for px, py in points:
        across, down = abs(px - x) - _ROUNDING, abs(py - y) - _ROUNDING
        across = across / wide if across > 0 else 0.0
        down = down / high if down > 0 else 0.0
        values.append(math.exp(-(across * across + down * down) / 2))
    return values


def pair_up(points: Sequence[Point], targets: Sequence[Target]) -> list[Pair]:
    """Pair points and targets one to one.

    As many targets as possible get a point that is inside (Kuhn's augmenting paths; of several points, nearer ones are
    tried first). Points and targets that are left over are paired by the Gaussian, highest first, and are no hits.
    """
    inside = [[place for place, point in enumerate(points) if target.holds(point)] for target in targets]
    for held, target in zip(inside, targets, strict=True):
        near = dict(zip(held, _gaussians([points[place] for place in held], target), strict=True))
        held.sort(key=near.__getitem__, reverse=True)
    owner: dict[int, int] = {}  # point -> target
    for place in range(len(targets)):
        _claim(place, inside, owner)
    pairs = [Pair(point, target, True) for point, target in owner.items()]
    hit = {*owner.values()}
    free_targets = [target for target in range(len(targets)) if target not in hit]
    free_points = [point for point in range(len(points)) if point not in owner]
    pairs += [
        Pair(point, target, False) for point, target in _nearest_first(points, free_points, targets, free_targets)
    ]
    return sorted(pairs, key=lambda pair: pair.point)


def _nearest_first(
    points: Sequence[Point], free_points: Sequence[int], targets: Sequence[Target], free_targets: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Pair the points and the targets at some places one to one, those of the highest Gaussian first."""
    own = [points[place] for place in free_points]
    columns = [_gaussians(own, targets[place]) for place in free_targets]
    near = list(chain.from_iterable(zip(*columns, strict=True)))  # point by point
    places = list(product(free_points, free_targets))
    taken: tuple[set[int], set[int]] = set(), set()
    for at in sorted(range(len(near)), key=near.__getitem__, reverse=True):
        point, target = places[at]
        if point not in taken[0] and target not in taken[1]:
            taken[0].add(point)
            taken[1].add(target)
            yield point, target


def match(answer: PointingAnswer, truth: PointingTruth, report: Report | None = None) -> list[Pair]:
    """Pair the points of an answer with the targets; ``report`` is told of it."""
    pairs = pair_up(answer.points, truth.targets)
    if report is not None:
        report(matching_of(answer, truth, pairs))
    return pairs


def matching_of(answer: PointingAnswer, truth: PointingTruth, pairs: Sequence[Pair]) -> Matching:
    """Return what an explanation shows: hits with the Gaussian of each, misses with the highest of any target."""
    marks = truth.marks()
    hits = {pair.point: pair.target for pair in pairs if pair.inside}
    matches = []
    for place, point in enumerate(answer.points):
        target = hits.get(place)
        if target is None:
            best = max((gaussian(point, one) for one in truth.targets), default=0.0)
            matches.append(Match(point_mark(point), None, best))
        else:
            matches.append(Match(point_mark(point), marks[target], gaussian(point, truth.targets[target])))
    found = set(hits.values())
    missed = tuple(mark for place, mark in enumerate(marks) if place not in found)
    return Matching(None, tuple(matches), missed, measure="Gaussian", rule=_RULE)


def _claim(target: int, inside: Sequence[Sequence[int]], owner: dict[int, int]) -> None:
    """Give a target a point inside it, moving others to further points of theirs, if that is possible."""
    tried: set[int] = set()
    path: list[tuple[int, int]] = []  # each target that moves and the point that it moves to
    waiting = [(target, iter(inside[target]))]
    while waiting:
        current, choices = waiting[-1]
        free = next((point for point in inside[current] if point not in owner), None)
        if free is not None:
            owner.update((point, by) for by, point in (*path, (current, free)))
            return
        taken = next((point for point in choices if point not in tried), None)
        if taken is None:
            waiting.pop()
            del path[-1:]
        else:
            tried.add(taken)
            path.append((current, taken))
            waiting.append((owner[taken], iter(inside[owner[taken]])))
