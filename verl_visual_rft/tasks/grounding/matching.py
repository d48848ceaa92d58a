# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which box of an answer stands for which of those that an instruction means."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from verl_visual_rft.answers import Outcome
from verl_visual_rft.boxes import Box, area, giou, iou
from verl_visual_rft.tasks.findings import FOUND_IOU
from verl_visual_rft.tasks.grounding.answer import GroundingAnswer
from verl_visual_rft.tasks.grounding.truth import GroundingTruth
from verl_visual_rft.tasks.matching import agreement, says_no_objects
from verl_visual_rft.tasks.sample import Sample

#: Figures that there are only where a prompt says that any number of boxes may be meant.
OF_ANY_NUMBER = ("pr_f1", "n_acc")

RULE = "one to one, those that overlap most first, the others nearest first"


def typed(sample: Sample) -> tuple[GroundingAnswer, GroundingTruth]:
    """Return answer and truth of a sample of this task."""
    answer, truth = sample.answer, sample.truth
    assert isinstance(answer, GroundingAnswer) and isinstance(truth, GroundingTruth)
    return answer, truth


def pair_up(boxes: Sequence[Box], truths: Sequence[Box]) -> list[tuple[int, int]]:
    """Pair answered and true boxes one to one, as many as possible; each pair by its places in the two lists.

    Of all pairs that are left the one with the highest IoU is taken, as the evaluation of gRefCOCO
    does (arXiv 2308.16182), and where nothing overlaps that with the highest GIoU. The order of the boxes does
    not matter. Every box has an area.
    """
    return list(_pairs(tuple(boxes), tuple(truths)))


@lru_cache(maxsize=1)  # every component of a reward asks for the same ones
def _pairs(boxes: tuple[Box, ...], truths: tuple[Box, ...]) -> tuple[tuple[int, int], ...]:
    """As `pair_up`, with GIoU worked out only between equals that are both free.

    When those that overlap have been gone through, no two that do are left, so that GIoU decides of all that are.
    """
    free_boxes, free_truths = dict.fromkeys(range(len(boxes))), dict.fromkeys(range(len(truths)))  # in their order
    pairs: list[tuple[int, int]] = []

    def take(candidates: Iterable[tuple[int, int]]) -> None:
        for answered, true in candidates:
            if answered in free_boxes and true in free_truths:
                del free_boxes[answered], free_truths[true]
                pairs.append((answered, true))

    overlaps, places = _overlapping(boxes, truths)
    for _, equals in groupby(_highest_first(overlaps), overlaps.__getitem__):
        free = [places[at] for at in equals if places[at][0] in free_boxes and places[at][1] in free_truths]
        if len(free) > 1:
            near = [giou(boxes[answered], truths[true]) for answered, true in free]
            free = [free[at] for at in _highest_first(near)]
        take(free)
    if free_boxes and free_truths:
        apart = _apart([boxes[answered] for answered in free_boxes], [truths[true] for true in free_truths])
        free = [(answered, true) for answered in free_boxes for true in free_truths]
        take([free[at] for at in _highest_first(apart)])
    return tuple(pairs)


def _highest_first(values: Sequence[float]) -> list[int]:
    """Return the places of values, equals in their order."""
    return sorted(range(len(values)), key=values.__getitem__, reverse=True)


def _overlapping(boxes: Sequence[Box], truths: Sequence[Box]) -> tuple[list[float], list[tuple[int, int]]]:
    """Return `iou` of all pairs that overlap, and their places; in place, for 300 boxes and 300 truths are 90000."""
    areas = [area(truth) for truth in truths]
    overlaps, places = [], []
    for answered, box in enumerate(boxes):
        x1, y1, x2, y2 = box
        own = area(box)
        for true, (left, top, right, bottom) in enumerate(truths):
            if left >= x2 or x1 >= right or top >= y2 or y1 >= bottom:
                continue
            width = (right if right < x2 else x2) - (left if left > x1 else x1)
            intersection = width * ((bottom if bottom < y2 else y2) - (top if top > y1 else y1))
            union = own + areas[true] - intersection
            if intersection > 0 and union > 0:
                overlaps.append(intersection / union)
                places.append((answered, true))
    return overlaps, places


def _apart(boxes: Sequence[Box], truths: Sequence[Box]) -> list[float]:
    """Return `giou` of all pairs of boxes of which no two overlap; in place as well."""
    areas = [area(truth) for truth in truths]
    values = []
    for box in boxes:
        x1, y1, x2, y2 = box
        own = area(box)
        for (left, top, right, bottom), other in zip(truths, areas, strict=True):
            width = (right if right > x2 else x2) - (left if left < x1 else x1)
            hull = width * ((bottom if bottom > y2 else y2) - (top if top < y1 else y1))
            empty = hull - (own + other)
            values.append(-empty / hull if hull > 0 and empty > 0 else 0.0)
    return values


def overlap(answer: GroundingAnswer, truth: GroundingTruth) -> float:
    """Return how well the boxes of an answer lie on what is meant, in [0, 1].

    - One box is asked for: the IoU of the answer's box and the true one; 0 unless it is one valid box.
    - Any number is asked for: `agreement` of the IoUs of the pairs (`pair_up`), boxes that are not valid being surplus
      ones. With one box on either side that is their IoU.
    - Nothing is meant: 1 for "No Objects", else 0.
    """
    if not truth.boxes:
        return says_no_objects(answer)
    return agreement(_qualities(iou, answer, truth), answer.n_boxes, len(truth.boxes))


def nearness(similarity: Callable[[Box, Box], float], answer: GroundingAnswer, truth: GroundingTruth) -> float:
    """Return how near the boxes of an answer are to what is meant, by a similarity that also tells far from farther.

    It is the mean over the answered boxes of the similarity with the true one of each pair, 0 for a surplus box. Where
    one box is asked for, or nothing is meant, it is as `overlap`. What is missed does not lower it: else a box anywhere
    would pay for every object that an answer leaves out, and to know their number would be worth more than to see them.

    Args:
        similarity: Of an answered and a true box, in [0, 1].
        answer: A parsed answer.
        truth: What is meant.
    """
    if not truth.boxes:
        return says_no_objects(answer)
    return math.fsum(_qualities(similarity, answer, truth)) / max(1, answer.n_boxes)


def _qualities(similarity: Callable[[Box, Box], float], answer: GroundingAnswer, truth: GroundingTruth) -> list[float]:
    if not truth.any_number and answer.box is None:
        return []
    return [
        similarity(answer.boxes[answered], truth.boxes[true]) for answered, true in pair_up(answer.boxes, truth.boxes)
    ]


def single_iou(answer: GroundingAnswer, truth: GroundingTruth) -> float:
    """Return the IoU of the one answered box and the one true box; 0 where either is not exactly one."""
    return iou(answer.box, truth.box) if answer.box and truth.box else 0.0


def is_faultless(answer: GroundingAnswer, truth: GroundingTruth) -> bool:
    """Whether every true box has one on it, one to one, with an IoU of 0.5 or more, and there is no other.

    Where nothing is meant: whether the answer says so. It is ``F1 = 1, IoU >= 0.5`` of gRefCOCO (arXiv 2308.16182).
    """
    if not truth.boxes:
        return answer.outcome is Outcome.NO_OBJECTS
    pairs = pair_up(answer.boxes, truth.boxes)
    found = [iou(answer.boxes[answered], truth.boxes[true]) >= FOUND_IOU for answered, true in pairs]
    return sum(found) == len(truth.boxes) == answer.n_boxes
