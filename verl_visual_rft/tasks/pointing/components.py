# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components that say how well the points of an answer fit what is meant."""

from __future__ import annotations

from verl_visual_rft.tasks.matching import Report, agreement, says_no_objects
from verl_visual_rft.tasks.options import positive_number
from verl_visual_rft.tasks.pointing.answer import PointingAnswer
from verl_visual_rft.tasks.pointing.matching import ALPHA, gaussian, match
from verl_visual_rft.tasks.pointing.truth import PointingTruth


class Hit:
    """Precision times recall of points inside targets, one to one.

    Pays for a point inside every target and no other: what is measured in the end, except that a hit is a hit wherever
    in the target it lies. Hard to game; where targets are large, a point in the middle of the picture earns what it
    hits. A weak model, all of whose points miss, sees no way up.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: PointingAnswer, truth: PointingTruth, report: Report | None = None) -> float:
        """``hits^2 / (points * targets)``; points that are not valid are points. Nothing meant: 1 for "No Objects"."""
        if not truth.targets:
            return says_no_objects(answer)
        hits = [1.0 for pair in match(answer, truth, report) if pair.inside]
        return agreement(hits, answer.n_points, len(truth.targets))


class Gaussian:
    """How near points are to the middles of targets, by a Gaussian whose width follows the target's size (GUI-G2).

    Pays for coming near, also without a hit, so that a weak model sees its way; of a small target only from close by.
    Alone it is gamed by points in the middle of the picture where targets are large, and teaches the middle of a target
    where any point inside it is right. Weigh it no higher than hits.

    Args:
        alpha: Standard deviation as a share of the target's side, above 0; GUI-G2 trains with 0.5.
    """

    range = (0.0, 1.0)

    def __init__(self, alpha: float = ALPHA) -> None:
        self.alpha = positive_number("gaussian", "alpha", alpha)

    def __call__(self, answer: PointingAnswer, truth: PointingTruth, report: Report | None = None) -> float:
        """``(sum_pairs sqrt(g))^2 / (points * targets)``, g the Gaussian; for one point and one target that is g.

        Nothing meant: 1 for "No Objects", else 0.
        """
        if not truth.targets:
            return says_no_objects(answer)
        near = [
            gaussian(answer.points[pair.point], truth.targets[pair.target], self.alpha)
            for pair in match(answer, truth, report)
        ]
        return agreement(near, answer.n_points, len(truth.targets))
