# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the named rewards pay for an answer to a grounding question."""

from __future__ import annotations

from verl_visual_rft.boxes import giou, iou
from verl_visual_rft.tasks.form import FORMAT_WEIGHT, Format
from verl_visual_rft.tasks.grounding.answer import GroundingAnswer
from verl_visual_rft.tasks.grounding.truth import GroundingTruth

#: Weight of each of the two components that look at the box.
GROUNDING_WEIGHT = 1.0

_FORMAT = Format()


class Robust:
    """Pays for the box on what is meant, and a little for coming near."""

    range = (0.0, 2 * GROUNDING_WEIGHT + FORMAT_WEIGHT)
    weights = {"iou": GROUNDING_WEIGHT, "giou": GROUNDING_WEIGHT, "format": FORMAT_WEIGHT}

    def __call__(self, answer: GroundingAnswer, truth: GroundingTruth) -> dict[str, float]:
        """Score the box of an answer: ``score = iou + giou + 0.5 format``; both are 0 unless it is one valid box.

        - ``iou``: IoU of the answer's box and the true one: what is measured in the end.
        - ``giou``: ``((GIoU + 1) / 2)^2``, in [0, 1]: it tells near from far where boxes do not overlap and IoU is 0.
          Of valid boxes only, because unchecked corners make it unbounded. Squared, and only half of the whole,
          because a box over the whole image gets half of the unsquared value, more than a learner's honest guess.
        - ``format``: see `Format`.
        """
        closeness = overlap = 0.0
        if answer.box:
            closeness = ((giou(answer.box, truth.box) + 1) / 2) ** 2
            overlap = iou(answer.box, truth.box)
        form = _FORMAT(answer, truth)
        return {
            "score": GROUNDING_WEIGHT * (overlap + closeness) + FORMAT_WEIGHT * form,
            "iou": overlap,
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
        """
        overlap = iou(answer.box, truth.box) if answer.box and not answer.loose else 0.0
        has_format = float(answer.has_format)
        return {"score": overlap + has_format, "iou": overlap, "format": has_format}
