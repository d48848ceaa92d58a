# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Evidence that a model answers in other coordinates than its questions ask for, which costs all without an error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from verl_visual_rft.boxes import Box, iou
from verl_visual_rft.coordinates import GRID
from verl_visual_rft.evaluation.results import ScoredAnswer
from verl_visual_rft.tasks import load_task

# More than a slip now and then, and a difference that a handful of lucky boxes does not make.
_SHARE_BEYOND = 0.05
_BETTER_BY = 0.1
_LEAST_OBJECTS = 20

_ANYWHERE = (math.inf, math.inf)
_REMEDY = "prepare the data with the --family of the model"


@dataclass(frozen=True)
class _Answered:
    """The boxes as the answer has them, valid or not, and the truths, in the answer's coordinates.

    A point is a box whose corners are the same.
    """

    boxes: tuple[Box, ...]
    truths: tuple[Box, ...]
    extent: tuple[float, float]
    size: tuple[int, int]


def coordinate_warnings(scored: Iterable[ScoredAnswer]) -> tuple[str, ...]:
    """Say what speaks for other coordinates, in answers that lie in the picture.

    - The share of coordinates beyond the extent of the answer's space (1000), whose boxes are invalid.
    - The mean IoU of the objects with their best box, or the share of those with a point inside, where it is clearly
      higher when the same numbers are read as pixels of the picture, as shares of 1 or, where the answer's space is
      another, as the 0-1000 grid.

    Returns:
        Sentences with the evidence and the remedy; none if all is well.
    """
    answered = [_answered(item) for item in scored]
    warnings = [_beyond_warning(answered), _reading_warning(answered)]
    return tuple(warning for warning in warnings if warning)


def _answered(item: ScoredAnswer) -> _Answered:
    sample, task = item.sample, load_task(item.sample.task)
    boxes = [mark.box for mark in task.marks(task.parse(item.prediction.response, _ANYWHERE, True)) if mark.points]
    finite = tuple(box for box in boxes if all(map(math.isfinite, box)))
    truths = tuple(mark.box for mark in sample.truth.marks() if mark.points)
    return _Answered(finite, truths, sample.truth.extent, item.prediction.size)


def _beyond_warning(answered: Sequence[_Answered]) -> str:
    beyond = [
        value > limit
        for item in answered
        for box in item.boxes
        for value, limit in zip(box, item.extent * 2, strict=True)
    ]
    if not beyond or fmean(beyond) < _SHARE_BEYOND:
        return ""
    ends = {item.extent for item in answered}
    end = f"beyond {ends.pop()[0]:g}" if ends == {(GRID, GRID)} else "outside the resized picture"
    return (
        f"{fmean(beyond):.1%} of {len(beyond)} coordinates are {end}, so their {_kind(answered)} are invalid: "
        f"the model seems to answer in other coordinates than it is asked for; {_REMEDY}"
    )


def _reading_warning(answered: Sequence[_Answered]) -> str:
    asked = [item for item in answered if item.boxes and item.truths]
    objects = sum(len(item.truths) for item in asked)
    if objects < _LEAST_OBJECTS:
        return ""
    as_asked = _agreement(asked, [(1.0, 1.0)] * len(asked))
    readings = {
        "pixels of the picture": [(item.extent[0] / item.size[0], item.extent[1] / item.size[1]) for item in asked],
        "shares of 1": [item.extent for item in asked],
        "the 0-1000 grid": [(item.extent[0] / GRID, item.extent[1] / GRID) for item in asked],
    }
    agreements = {name: _agreement(asked, scales) for name, scales in readings.items()}
    best = max(agreements, key=agreements.__getitem__)
    if agreements[best] < as_asked + _BETTER_BY:
        return ""
    if _kind(asked) == "points":
        fits = f"the points hit {agreements[best]:.1%} of {objects} objects"
        otherwise = f"{as_asked:.1%}"
    else:
        fits = f"the boxes fit {objects} objects with a mean IoU of {agreements[best]:.2f}"
        otherwise = f"with {as_asked:.2f}"
    return f"read as {best}, {fits}; in the coordinates that were asked for, {otherwise}; {_REMEDY}"


def _kind(answered: Sequence[_Answered]) -> str:
    return "points" if all(map(_is_point, (box for item in answered for box in item.boxes))) else "boxes"


def _is_point(box: Box) -> bool:
    return box[:2] == box[2:]


def _agreement(asked: Sequence[_Answered], scales: Sequence[tuple[float, float]]) -> float:
    """Mean over the objects of the fit of the best box, when coordinates are multiplied by ``scales``."""
    overlaps = []
    for item, (x, y) in zip(asked, scales, strict=True):
        boxes = [(x1 * x, y1 * y, x2 * x, y2 * y) for x1, y1, x2, y2 in item.boxes]
        overlaps += [max(_fit(box, truth) for box in boxes) for truth in item.truths]
    return fmean(overlaps)


def _fit(box: Box, truth: Box) -> float:
    """IoU; of a point, whether it lies inside."""
    if not _is_point(box):
        return iou(box, truth)
    return float(truth[0] <= box[0] <= truth[2] and truth[1] <= box[1] <= truth[3])
