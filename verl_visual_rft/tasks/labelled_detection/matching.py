# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which box of an answer stands for which object, and which lies on an object of another category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verl_visual_rft.boxes import match_greedy
from verl_visual_rft.tasks.detection.matching import ranked
from verl_visual_rft.tasks.labelled_detection.answer import LabelledAnswer, LabelledBox
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth
from verl_visual_rft.tasks.marks import box_mark
from verl_visual_rft.tasks.matching import Report, matching_of


@dataclass(frozen=True)
class Placed:
    """A valid box of an answer, and what it was given.

    Attributes:
        answered: The box with its label.
        category: The category that the label names; None for no one of those that were asked for.
        place: Of its object among the truth's; None for a miss.
        quality: Their IoU; 0 of a miss.
        right: Whether the object is of that category. If not, the box is placed well and labelled wrongly.
    """

    answered: LabelledBox
    category: str | None
    place: int | None = None
    quality: float = 0.0
    right: bool = False


@dataclass(frozen=True)
class Pairs:
    """What the boxes of an answer were given.

    Attributes:
        boxes: The valid ones, most confident first, those without a confidence last; equals in the answer's order.
        n_boxes: Number of boxes answered, valid or not.
        n_objects: Number of objects.
    """

    boxes: Sequence[Placed]
    n_boxes: int
    n_objects: int

    @property
    def mean_count(self) -> float:
        """``(boxes + objects) / 2``, what sums are divided by: see `detection.matching.mean_count`."""
        return (self.n_boxes + self.n_objects) / 2

    @property
    def hits(self) -> list[float]:
        """IoU of the boxes on an object of their category."""
        return [box.quality for box in self.boxes if box.right]

    @property
    def mislabelled(self) -> list[float]:
        """IoU of the boxes that were given an object of another category."""
        return [box.quality for box in self.boxes if box.place is not None and not box.right]


def match(answer: LabelledAnswer, truth: LabelledTruth, threshold: float, report: Report | None = None) -> Pairs:
    """Match one to one, within the categories first; what is left over, whatever its label.

    Within a category as COCO's evaluation does (`match_greedy`). So a box never loses its object to one with another
    label, and what the second round pairs is placed right and labelled wrong (TIDE's classification error, arXiv
    2008.08115, section 2.2, there at IoU 0.5).

    Args:
        answer: The parsed answer.
        truth: The objects to be found.
        threshold: Smallest IoU of a pair, above 0.
        report: Is told of the first round.
    """
    boxes = ranked(answer.objects)
    named = truth.category_of(box.label for box in boxes)
    given = [Placed(box, named[box.label]) for box in boxes]
    for category in dict.fromkeys(box.category for box in given if box.category is not None):
        own = [number for number, box in enumerate(given) if box.category == category]
        there = [place for place, (_, label) in enumerate(truth.objects) if label == category]
        _pair(given, own, there, truth, threshold, right=True)
    if report is not None:
        marks = [box_mark(box.box, box.label, box.confidence) for box in boxes]
        report(matching_of(marks, truth.marks(), [(box.place, box.quality) for box in given], threshold))
    taken = {box.place for box in given}
    left = [number for number, box in enumerate(given) if box.place is None]
    free = [place for place in range(len(truth.objects)) if place not in taken]
    _pair(given, left, free, truth, threshold, right=False)
    return Pairs(given, answer.n_boxes, len(truth.objects))


def _pair(
    given: list[Placed],
    numbers: Sequence[int],
    places: Sequence[int],
    truth: LabelledTruth,
    threshold: float,
    right: bool,
) -> None:
    """Give some boxes some objects; in place."""
    found = match_greedy(
        [given[number].answered.box for number in numbers], [truth.objects[place][0] for place in places], threshold
    )
    for number, (place, quality) in zip(numbers, found, strict=True):
        if place is not None:
            given[number] = Placed(given[number].answered, given[number].category, places[place], quality, right)
