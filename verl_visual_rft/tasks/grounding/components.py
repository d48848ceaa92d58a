# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components that say how well the boxes of an answer lie on what is meant.

Where one box is asked for they are 0 unless the answer is exactly one valid box; where any number is asked for they are
what `overlap` (of IoU) and `nearness` (of the others) make of the pairs.
"""

from __future__ import annotations

from functools import partial

from verl_visual_rft.boxes import ciou_similarity, diou_similarity, giou_similarity, l1_similarity
from verl_visual_rft.tasks.grounding.answer import GroundingAnswer
from verl_visual_rft.tasks.grounding.matching import nearness, overlap
from verl_visual_rft.tasks.grounding.truth import GroundingTruth


class IoU:
    """IoU of the box and the true one.

    Pays for overlap alone: a box that misses earns as little as none. Hard to game; where what is meant is large, a box
    over the whole picture earns the share that it fills.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: GroundingAnswer, truth: GroundingTruth) -> float:
        """``IoU`` of the box and the truth.

        Where one box is asked for it is 0 unless the answer is exactly one valid box.
        """
        return overlap(answer, truth)


class GIoU:
    """(GIoU + 1) / 2 of the box and the true one.

    Pays for coming near, also without any overlap. Alone it is gamed by a box over the whole picture, which earns about
    half. Weigh it below IoU.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: GroundingAnswer, truth: GroundingTruth) -> float:
        """``(GIoU + 1) / 2`` of the box and the truth.

        Where one box is asked for it is 0 unless the answer is exactly one valid box.
        """
        return nearness(giou_similarity, answer, truth)


class DIoU:
    """(DIoU + 1) / 2 of the box and the true one.

    Pays for overlap and for coming near the centre. Alone it is gamed as GIoU is. Weigh it below IoU.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: GroundingAnswer, truth: GroundingTruth) -> float:
        """``(DIoU + 1) / 2`` of the box and the truth.

        Where one box is asked for it is 0 unless the answer is exactly one valid box.
        """
        return nearness(diou_similarity, answer, truth)


class CIoU:
    """(CIoU + 1.5) / 2.5 of the box and the true one.

    Pays for overlap, for the centre and for the shape. Alone it is gamed as GIoU is, and pays about 0.6 for it. Weigh
    it below IoU.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: GroundingAnswer, truth: GroundingTruth) -> float:
        """``(CIoU + 1.5) / 2.5`` of the box and the truth.

        Where one box is asked for it is 0 unless the answer is exactly one valid box.
        """
        return nearness(ciou_similarity, answer, truth)


class L1:
    """1 - mean |difference of coordinates| / extent of the box and the true one.

    Pays for every coordinate that comes nearer. Alone it is gamed by a box in the middle of the picture, about 0.75.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: GroundingAnswer, truth: GroundingTruth) -> float:
        """``1 - mean |difference| / extent`` of the box and the truth.

        Where one box is asked for it is 0 unless the answer is exactly one valid box.
        """
        return nearness(partial(l1_similarity, extent=truth.extent), answer, truth)
