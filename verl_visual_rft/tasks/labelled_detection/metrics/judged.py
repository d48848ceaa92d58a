# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What an answer about several categories is worth, whichever reward is reported, and its boxes as AP takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verl_visual_rft.boxes import Box, iou
from verl_visual_rft.evaluation.results import Figure, ratio_figure
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.detection.metrics.measure import NO_CONFIDENCE
from verl_visual_rft.tasks.findings import FOUND_IOU, NEAR_IOU
from verl_visual_rft.tasks.labelled_detection.answer import LabelledAnswer
from verl_visual_rft.tasks.labelled_detection.matching import match
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth


@dataclass(frozen=True)
class Mistakes:
    """What became of boxes and objects at IoU 0.5, as TIDE sorts them (arXiv 2008.08115, section 2.2).

    Attributes:
        right: Boxes on an object under its name.
        wrong_label: Boxes on an object that no box named right, under another name.
        badly_placed: Boxes with an IoU of 0.1 or more, and too little, with an object of their name.
        repeated: Boxes on an object of their name that another box has found.
        on_nothing: All other valid boxes.
        not_asked: Those of the valid boxes whose label names none of the categories of the prompt.
        invalid: Boxes that are not valid or have no label.
        missed: Objects without a box on them, whatever its name.
    """

    right: int = 0
    wrong_label: int = 0
    badly_placed: int = 0
    repeated: int = 0
    on_nothing: int = 0
    not_asked: int = 0
    invalid: int = 0
    missed: int = 0


@dataclass(frozen=True)
class Judged:
    """An answer beside its truth.

    Attributes:
        image: The picture.
        boxes: How many were answered, valid or not.
        objects: How many there are.
        mistakes: What became of them.
        kept: The valid boxes whose label names a category: category, box in the answer's coordinates, and the
            confidence by which AP ranks it. The same corners under the same name count once, as in detection.
        repeats: How many were left out for that.
        unsure: Those of the kept that have no confidence.
    """

    image: str
    boxes: int
    objects: int
    mistakes: Mistakes
    kept: tuple[tuple[str, Box, float], ...] = field(repr=False)
    repeats: int = 0
    unsure: int = 0


def judge(sample: Sample, image: str) -> Judged:
    """Match an answer at IoU 0.5."""
    answer, truth = sample.answer, sample.truth
    assert isinstance(answer, LabelledAnswer) and isinstance(truth, LabelledTruth)
    boxes = match(answer, truth, FOUND_IOU).boxes
    count = dict.fromkeys(("right", "wrong_label", "badly_placed", "repeated", "on_nothing"), 0)
    for box in boxes:
        if box.right:
            count["right"] += 1
        elif box.place is not None:
            count["wrong_label"] += 1
        else:
            near = max((iou(box.answered.box, b) for b, label in truth.objects if label == box.category), default=0.0)
            count["repeated" if near >= FOUND_IOU else "badly_placed" if near >= NEAR_IOU else "on_nothing"] += 1
    named = [box for box in boxes if box.category is not None]
    kept: dict[tuple[str, Box], float] = {}
    for box in named:
        kept.setdefault((str(box.category), box.answered.box), ranked_by(box.answered.confidence))
    mistakes = Mistakes(
        **count,
        not_asked=len(boxes) - len(named),
        invalid=answer.invalid,
        missed=len(truth.objects) - count["right"] - count["wrong_label"],
    )
    rows = tuple((category, corners, score) for (category, corners), score in kept.items())
    unsure = sum(score == NO_CONFIDENCE for _, _, score in rows)
    return Judged(image, answer.n_boxes, len(truth.objects), mistakes, rows, len(named) - len(rows), unsure)


def ranked_by(confidence: float | None) -> float:
    """The confidence by which AP ranks a box; all boxes without one are equal, and below all others."""
    return NO_CONFIDENCE if confidence is None else confidence


def coco_boxes(
    item: Judged, image_id: Any, category_ids: Mapping[str, int], pixels: Callable[[Box], Box]
) -> list[dict[str, Any]]:
    """Return the kept boxes in COCO's results form.

    Args:
        item: The answer.
        image_id: As the annotations write it.
        category_ids: By name.
        pixels: From the answer's coordinates to those of the annotations.
    """
    rows = []
    for category, box, score in item.kept:
        x1, y1, x2, y2 = pixels(box)
        place = {"image_id": image_id, "category_id": category_ids[category]}
        rows.append({**place, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score})
    return rows


def f1(judged: Sequence[Judged], any_label: bool = False) -> Figure | None:
    """``2 hits / (boxes + objects)`` over all questions and categories; ``None`` without any box and object.

    Args:
        judged: The answers.
        any_label: A box on an object under another name is a hit too.
    """
    totals = [item.boxes + item.objects for item in judged]
    if not any(totals):
        return None
    hits = [2 * (item.mistakes.right + any_label * item.mistakes.wrong_label) for item in judged]
    return ratio_figure(hits, totals, [item.image for item in judged])


def naming(judged: Sequence[Judged]) -> Figure | None:
    """Share of the boxes on an object that are named right; ``None`` without one."""
    found = [item.mistakes.right + item.mistakes.wrong_label for item in judged]
    if not any(found):
        return None
    return ratio_figure([item.mistakes.right for item in judged], found, [item.image for item in judged])
