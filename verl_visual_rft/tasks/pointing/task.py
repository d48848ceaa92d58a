# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The pointing task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verl_visual_rft.answers.points import MAX_POINTS
from verl_visual_rft.coordinates import in_one_pixel
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.findings import Finding
from verl_visual_rft.tasks.marks import Mark, point_mark
from verl_visual_rft.tasks.matching import Matching
from verl_visual_rft.tasks.pointing.answer import PointingAnswer, parse_pointing
from verl_visual_rft.tasks.pointing.matching import gaussian, match, matching_of, pair_up
from verl_visual_rft.tasks.pointing.question import PointingQuestion
from verl_visual_rft.tasks.pointing.target import BoxTarget, DiscTarget, Target
from verl_visual_rft.tasks.pointing.truth import TARGET_FORM, TRUTH_FORM, PointingTruth, polygon_of, read_pointing
from verl_visual_rft.tasks.question import Line
from verl_visual_rft.tasks.reading import unreadable
from verl_visual_rft.tasks.task import Task

_HERE = "verl_visual_rft.tasks.pointing"

# A point within half a side of the border of a target is badly placed: there the Gaussian is exp(-2).
_NEAR = 0.1353


class Pointing(Task[PointingTruth, PointingAnswer]):
    """Where would one point for what an instruction means?"""

    name = "pointing"
    summary = "a point on everything that an instruction means, as clicks on a user interface"
    truth_form = TRUTH_FORM
    json_keys = ("instruction", "targets")
    json_synonyms = {"boxes": "targets", "box": "targets"}
    json_example = '"instruction": "close the window", "targets": [{"box": [12, 40, 96, 130]}]'
    coordinates = True
    solution_is_truth = False
    most_marks = MAX_POINTS
    may_be_nothing = True
    asks_by_name = False
    quick = {"hit_rate": "Hit rate"}
    accuracies = ("hit", "gaussian")
    rewards = {"robust": f"{_HERE}.rewards:Robust"}
    components = {"hit": f"{_HERE}.components:Hit", "gaussian": f"{_HERE}.components:Gaussian"}
    audit = f"{_HERE}.audit:AUDIT"
    metrics = f"{_HERE}.metrics:METRICS"

    def read_truth(self, content: Mapping[str, Any]) -> PointingTruth:
        """Read ``{"targets": [...]}``."""
        return read_pointing(content)

    def read_solution(self, text: str) -> PointingTruth:
        """Refuse any: none are published, and a point says nothing of the target's size."""
        raise unreadable(text, "is a solution, which does not say how large the targets are", TRUTH_FORM)

    def read_line(self, line: Line) -> PointingQuestion:
        """Read ``instruction`` and ``targets``: a list of targets, or one; a box may be four numbers."""
        value = line.content["targets"]
        listed = value if isinstance(value, list) and not _is_box(value) else [value]
        boxes = [one["box"] if _has(one, "box") else one for one in listed if _is_box(one) or _has(one, "box")]
        others = [one for one in listed if not _is_box(one) and not _has(one, "box")]
        targets: list[Target] = [BoxTarget(box) for box in line.boxes(boxes)]
        targets += [_target(one, line) for one in others]
        if any(in_one_pixel(target.box) for target in targets):
            raise UserError(
                "'targets' has one that lies in one pixel; points are in pixels, not in shares of the picture"
            )
        if len(set(targets)) < len(targets):
            raise UserError("'targets' has the same target twice")
        return PointingQuestion(line.picture, line.text("instruction"), tuple(targets), reward=line.reward)

    def parse(self, response: str, extent: tuple[float, float], think: bool) -> PointingAnswer:
        """Read the points of a response: see `parse_pointing`."""
        return parse_pointing(response, extent, think)

    def says(self, answer: PointingAnswer, truth: PointingTruth) -> bool:
        """Whether an answer has a point inside every target, and no other."""
        if not answer.is_as_asked:
            return False
        hits = sum(pair.inside for pair in match(answer, truth))
        return hits == answer.n_points == len(truth.targets)

    def marks(self, answer: PointingAnswer) -> tuple[Mark, ...]:
        """Return the valid points in the order of the answer."""
        return tuple(map(point_mark, answer.points))

    def match(self, answer: PointingAnswer, truth: PointingTruth, threshold: float | None) -> Matching:
        """Match one to one by what is inside; there is no threshold."""
        return matching_of(answer, truth, match(answer, truth))

    def find(self, answer: PointingAnswer, truth: PointingTruth) -> set[Finding]:
        """Compare the points with the targets; one that misses a free target by less than half its side is near it."""
        hits = {pair.point: pair.target for pair in pair_up(answer.points, truth.targets) if pair.inside}
        left = {place: target for place, target in enumerate(truth.targets) if place not in hits.values()}
        findings: set[Finding] = set()
        touched: set[int] = set()
        for place, point in enumerate(answer.points):
            if place in hits:
                continue
            near = {other for other, target in left.items() if gaussian(point, target) >= _NEAR}
            findings.add(Finding.BADLY_PLACED if near else Finding.FALSE_ALARM)
            touched |= near
        if left.keys() - touched:
            findings.add(Finding.MISSED)
        return findings

    def counts(self, answer: PointingAnswer, truth: PointingTruth) -> dict[str, float]:
        """Return the numbers of points answered, of those that are not valid, and of targets."""
        return {
            "n_pred": float(answer.n_points),
            "n_invalid": float(answer.invalid),
            "n_truth": float(len(truth.targets)),
        }


def _is_box(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and not any(isinstance(one, list | dict) for one in value)


def _has(value: object, *keys: str) -> bool:
    return isinstance(value, dict) and value.keys() == set(keys)


def _target(value: Any, line: Line) -> Target:
    """Read a polygon or a point with a radius in pixels."""
    if _has(value, "polygon"):
        return polygon_of(line.points(value["polygon"]))
    if _has(value, "point", "radius"):
        (point,), radius = line.points([value["point"]]), value["radius"]
        if type(radius) not in (int, float) or not 0 < radius < float("inf"):
            raise UserError(f"'radius' is {radius!r}, not a number of pixels above 0")
        return DiscTarget(point, (float(radius), float(radius)))
    raise UserError(f"target {value!r} is none: give {TARGET_FORM}, in pixels")
