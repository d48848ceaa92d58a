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
        """Score the box of an answer: ``score = iou + giou + 0.5 format``; both are 0 unless it is one valid box.

        - ``iou``: IoU of the answer's box and the true one: what is measured in the end.
        - ``giou``: ``((GIoU + 1) / 2)^2``, in [0, 1]: it tells near from far where boxes do not overlap and IoU is 0.
          Of valid boxes only, because unchecked corners make it unbounded. Squared, and only half of the whole,
          because a box over the whole image gets half of the unsquared value, more than a learner's honest guess.
        - ``format``: see `Format`.

        Where any number of boxes is asked for, P answered and T true boxes are paired one to one (`pair_up`), and with
        the values q of the pairs ``iou`` is ``(sum sqrt(q))^2 / (P T)`` (see `agreement`), ``giou`` ``sum(q) / P`` (see
        `nearness`). A second guess at one object never pays, and neither does a box for every object that was not seen.

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
        """Score the box of an answer: ``score = iou + format``. The paper gives no formula of its own for this task.

        - ``iou``: IoU of the answer's box and the true one; 0 unless the answer is exactly one valid box. Corners
          with decimals or without a comma between are none, for the published rule reads none there.
        - ``format``: 1 if the response is think tags, then answer tags, whatever they hold.

        The paper knows no instruction that means nothing or several objects; there ``iou`` is that of `Robust`.
        """
        on_it = 0.0 if answer.loose else overlap(answer, truth)
        has_format = float(answer.has_format)
        return {"score": on_it + has_format, "iou": on_it, "format": has_format}


def _closeness(box: Box, truth: Box) -> float:
    return giou_similarity(box, truth) ** 2
