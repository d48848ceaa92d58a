# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What of a question's targets an answer hits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.audited.strata import LARGE_AREA
from verl_visual_rft.tasks.pointing.answer import PointingAnswer
from verl_visual_rft.tasks.pointing.matching import pair_up
from verl_visual_rft.tasks.pointing.target import Target
from verl_visual_rft.tasks.pointing.truth import PointingTruth

SMALL, MEDIUM, LARGE, NOTHING = "small", "medium", "large", "nothing"
#: Share of the picture below which a target is small: COCO's 32 x 32 pixels of 640 x 480.
SMALL_AREA = 1 / 300


@dataclass(frozen=True)
class Hits:
    """The hits of one answer.

    Attributes:
        credits: By size, what the targets hit count: 1 each, or targets / points where there are more points.
        sizes: By size, the number of targets. An instruction that means nothing has one target, `NOTHING`, which "No
            Objects" hits.
        faultless: Every target is hit, and no other point answered.
    """

    credits: Mapping[str, float]
    sizes: Mapping[str, int]
    faultless: bool

    @property
    def credit(self) -> float:
        """Of all sizes."""
        return sum(self.credits.values())

    @property
    def targets(self) -> int:
        """Of all sizes; 1 at least."""
        return sum(self.sizes.values())


def hits_of(sample: Sample) -> Hits:
    """Count the hits of an answer to a pointing question."""
    answer, truth = sample.answer, sample.truth
    assert isinstance(answer, PointingAnswer) and isinstance(truth, PointingTruth)
    if not truth.targets:
        right = answer.outcome is Outcome.NO_OBJECTS
        return Hits({NOTHING: float(right)}, {NOTHING: 1}, right)
    sizes = [size_of(target, truth.extent) for target in truth.targets]
    hit = [sizes[pair.target] for pair in pair_up(answer.points, truth.targets) if pair.inside]
    worth = min(1.0, len(sizes) / answer.n_points) if answer.n_points else 0.0
    credits = {size: worth * number for size, number in Counter(hit).items()}
    return Hits(credits, Counter(sizes), len(hit) == len(sizes) == answer.n_points)


def size_of(target: Target, extent: tuple[float, float]) -> str:
    """Return the size of a target by its share of the picture."""
    share = target.area / (extent[0] * extent[1])
    if share < SMALL_AREA:
        return SMALL
    return MEDIUM if share < LARGE_AREA else LARGE
