# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the named reward pays for an answer to a pointing question."""

from __future__ import annotations

from verl_visual_rft.tasks.form import FORMAT_WEIGHT, Format
from verl_visual_rft.tasks.matching import Report, agreement, says_no_objects
from verl_visual_rft.tasks.pointing.answer import PointingAnswer
from verl_visual_rft.tasks.pointing.matching import gaussian, match
from verl_visual_rft.tasks.pointing.truth import PointingTruth

#: Weights of the two components that look at the points. Being inside is what counts; coming near decides alone where
#: all answers of a group miss, for advantages are relative to the group, so little of it is enough.
HIT_WEIGHT, GAUSSIAN_WEIGHT = 1.5, 0.5

_FORMAT = Format()


class Robust:
    """Pays for a point inside every target and no other, and a little for coming near their middles."""

    range = (0.0, HIT_WEIGHT + GAUSSIAN_WEIGHT + FORMAT_WEIGHT)
    weights = {"hit": HIT_WEIGHT, "gaussian": GAUSSIAN_WEIGHT, "format": FORMAT_WEIGHT}

    def __call__(self, answer: PointingAnswer, truth: PointingTruth, report: Report | None = None) -> dict[str, float]:
        """Score the points of an answer: ``score = 1.5 hit + 0.5 gaussian + 0.5 format``, in [0, 2.5].

        Points and targets are paired one to one, as many as possible with the point inside, the others nearest first.
        P is the number of points, those that are not valid among them, T that of targets.

        - ``hit``: ``hits^2 / (P T)``, precision times recall: what is measured in the end. Not F1 (``2 hits / (P +
          T)``), under which a second guess at one target pays if it is half as likely as the first; here it never does,
          for of k guesses at one target a hit is paid 1 / k. A further point among n that all hit pays if it hits with
          a probability above n / (2 n + 1).
        - ``gaussian``: ``(sum over pairs of sqrt(g))^2 / (P T)``, g = ``exp(-((dx / sx)^2 + (dy / sy)^2) / 2)``, with
          the distances from the middle of the target and s half its width or height: GUI-G2's point reward
          (arXiv 2507.15846), which it is for one point and one target. It tells near from far where points miss, and a
          safe hit from a lucky one. The width follows the target, so the middle of the picture earns nothing of a small
          one. Weighed as much as hits it would pay for padding an answer to the number of targets, where that is known.
        - ``format``: see `Format`.

        Where nothing is meant, "No Objects" earns 1 of hit and gaussian, and points 0. Where something is meant, "No
        Objects" earns 0 of both. With one target that is there with probability p, and a point that hits it with
        probability q at a mean Gaussian g, the point is worth ``p (1.5 q + 0.5 g)`` and "No Objects" ``2 (1 - p)``: it
        pays below p = 0.53 for q = 0.9 and g = 0.8, and below 0.67 for q = g = 0.5.
        """
        hit = near = 0.0
        n_matched = 0
        if not truth.targets:
            hit = near = says_no_objects(answer)
        elif answer.n_points:
            pairs = match(answer, truth, report)
            n_matched = sum(pair.inside for pair in pairs)
            hit = agreement([1.0] * n_matched, answer.n_points, len(truth.targets))
            qualities = [gaussian(answer.points[pair.point], truth.targets[pair.target]) for pair in pairs]
            near = agreement(qualities, answer.n_points, len(truth.targets))
        form = _FORMAT(answer, truth)
        return {
            "score": HIT_WEIGHT * hit + GAUSSIAN_WEIGHT * near + FORMAT_WEIGHT * form,
            "hit": hit,
            "gaussian": near,
            "format": form,
            "n_matched": float(n_matched),
        }
