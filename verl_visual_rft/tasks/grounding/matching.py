# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which box of an answer stands for which of those that an instruction means."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from verl_visual_rft.answers import Outcome
from verl_visual_rft.boxes import Box, giou, iou
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
    not matter.
    """
    ranked = sorted(
        (-iou(box, truth), -giou(box, truth), answered, true)
        for answered, box in enumerate(boxes)
        for true, truth in enumerate(truths)
    )
    free_boxes, free_truths = set(range(len(boxes))), set(range(len(truths)))
    pairs = []
    for _, _, answered, true in ranked:
        if answered in free_boxes and true in free_truths:
            free_boxes.remove(answered)
            free_truths.remove(true)
            pairs.append((answered, true))
    return pairs


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
