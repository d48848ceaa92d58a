# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the named rewards pay for an answer to a grounding question."""

from __future__ import annotations

from verl_visual_rft.boxes import Box, giou_similarity
from verl_visual_rft.tasks.form import FORMAT_WEIGHT, Format
from verl_visual_rft.tasks.grounding.answer import GroundingAnswer
from verl_visual_rft.tasks.grounding.matching import nearness, overlap
from verl_visual_rft.tasks.grounding.truth import GroundingTruth

#: Weight of each of the two components that look at the box.
GROUNDING_WEIGHT = 1.0

_FORMAT = Format()


class Robust:
    """Pays for the boxes on what is meant, and a little for coming near."""

    range = (0.0, 2 * GROUNDING_WEIGHT + FORMAT_WEIGHT)
    weights = {"iou": GROUNDING_WEIGHT, "giou": GROUNDING_WEIGHT, "format": FORMAT_WEIGHT}

    def __call__(self, answer: GroundingAnswer, truth: GroundingTruth) -> dict[str, float]:
        """Score the boxes of an answer: ``score = iou + giou + 0.5 format``.

        P answered boxes, those that are not valid among them, and T true ones are paired one to one (`pair_up`); q is
        what a pair is worth. Where one box is asked for, P and T are 1, and an answer that is not one valid box earns
        0 of both.

        - ``iou``: ``(sum over pairs of sqrt(q))^2 / (P T)``, q the IoU of a pair, which is what is measured in the end:
          with one box on either side it is their IoU. A second guess at one object never pays (see `agreement`).
        - ``giou``: ``(sum over pairs of q) / P``, q ``((GIoU + 1) / 2)^2`` of a pair, in [0, 1]: it tells near from far
          where boxes do not overlap and IoU is 0. Of valid boxes only, because unchecked corners make it unbounded.
          Squared, and only half of the whole, because a box over the whole image gets half of the unsquared value,
          more than a learner's honest guess. A box for every object that was not seen does not pay (see `nearness`).
        - ``format``: see `Format`.

        Where nothing is meant, "No Objects" earns 1 of both, and boxes 0. Where something is meant, "No Objects" earns
        0 of both. With one object that is there with probability p, a box that is worth v of the 2 is worth ``p v`` and
        "No Objects" ``2 (1 - p)``: it pays below ``p = 2 / (2 + v)``, 0.56 for a box of IoU 0.8 (v = 1.6).
        """
        on_it, closeness = overlap(answer, truth), nearness(_closeness, answer, truth)
        form = _FORMAT(answer, truth)
        return {
            "score": GROUNDING_WEIGHT * (on_it + closeness) + FORMAT_WEIGHT * form,
            "iou": on_it,
            "giou": closeness,
            "format": form,
        }


class Paper:
    """IoU and format; the paper gives no formula of its own for this task."""

    range = (0.0, 2.0)
    weights = {"iou": 1.0, "format": 1.0}

    def __call__(self, answer: GroundingAnswer, truth: GroundingTruth) -> dict[str, float]:
        """Score the boxes of an answer: ``score = iou + format``. The paper gives no formula of its own for this task.

        - ``iou``: ``(sum over pairs of sqrt(q))^2 / (P T)`` as in `Robust`, which with one box on either side is their
          IoU; 0 where one box is asked for and the answer is not one valid box. Corners with decimals or without a
          comma between are none, for the published rule reads none there.
        - ``format``: 1 if the response is think tags, then answer tags, whatever they hold.

        The paper knows no instruction that means nothing or several objects.
        """
        on_it = 0.0 if answer.loose else overlap(answer, truth)
        has_format = float(answer.has_format)
        return {"score": on_it + has_format, "iou": on_it, "format": has_format}


def _closeness(box: Box, truth: Box) -> float:
    return giou_similarity(box, truth) ** 2
