# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which part of an answer a scorer took for which part of the truth: what explanations show."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from verl_visual_rft.answers.answer import Answer, Outcome
from verl_visual_rft.boxes import Box, iou
from verl_visual_rft.tasks.marks import Mark


@dataclass(frozen=True)
class Match:
    """A mark of the answer, and that of the truth that it was given.

    Attributes:
        mark: Of the answer.
        truth: Of the truth; None for a miss.
        quality: How well it lies on ``truth``, an IoU where `Matching` does not say; for a miss the best with any.
    """

    mark: Mark
    truth: Mark | None
    quality: float


@dataclass(frozen=True)
class Matching:
    """Which marks of an answer stand for which of the truth, as a scorer matched them.

    Attributes:
        threshold: Smallest quality of a match; None where there is none.
        matches: The valid marks of the answer, in the order in which they were matched.
        missed: Marks of the truth that nothing was given.
        measure: What qualities are.
        rule: By which marks are matched, for people; empty where it is by IoU, as `threshold` says.
    """

    threshold: float | None
    matches: tuple[Match, ...]
    missed: tuple[Mark, ...]
    measure: str = "IoU"
    rule: str = ""


#: What a scorer tells of its matching if `Sample.report` is there.
Report = Callable[[Matching], None]


def matching_of(
    marks: Sequence[Mark], truths: Sequence[Mark], given: Sequence[tuple[int | None, float]], threshold: float | None
) -> Matching:
    """Return a matching of boxes.

    Args:
        marks: Of the answer, in the order in which they were matched.
        truths: Of the truth.
        given: For each mark the place of its truth, or None, and their IoU, as `boxes.match_greedy` says.
        threshold: Smallest IoU of a match.
    """
    boxes = [truth.box for truth in truths]
    matches = tuple(
        Match(mark, None, _best(mark.box, boxes)) if place is None else Match(mark, truths[place], overlap)
        for mark, (place, overlap) in zip(marks, given, strict=True)
    )
    found = {place for place, _ in given}
    return Matching(threshold, matches, tuple(mark for place, mark in enumerate(truths) if place not in found))


def agreement(qualities: Sequence[float], answered: int, true: int) -> float:
    """Return ``(sum sqrt(q))^2 / (answered * true)`` of the qualities of pairs, in [0, 1]; 0 where either number is.

    Of one answered and one true thing it is q; of pairs that are all hits, each 1, it is precision times recall. What
    is missed, a surplus and what is not valid lower it. F1 and a division by the mean of the numbers would not do:
    asked for one thing, a second guess would pay there if it is half as likely as the first. Here of k guesses at one
    thing those are paid the mean of what each is worth alone, so that none pays but the best.

    Args:
        qualities: Of the pairs, one to one, each in [0, 1].
        answered: Number of things answered, those that are not valid among them.
        true: Number of true ones.

    Example:
        >>> agreement([0.64], 1, 1), agreement([0.64], 2, 1), agreement([1, 1], 2, 3)
        (0.64, 0.32, 0.6666666666666666)
    """
    if not answered or not true:
        return 0.0
    if len(qualities) == 1:
        return qualities[0] / (answered * true)
    total = math.fsum(math.sqrt(quality) for quality in qualities)
    return min(1.0, total * total / (answered * true))


def says_no_objects(answer: Answer) -> float:
    """Score an answer where nothing that is asked for is there: 1 for "No Objects", 0 for all else."""
    return float(answer.outcome is Outcome.NO_OBJECTS)


def _best(box: Box, truths: Sequence[Box]) -> float:
    return max((iou(box, truth) for truth in truths), default=0.0)
