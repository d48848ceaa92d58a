# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pointing metrics: the hit rate, by the size of what is meant, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType

from verl_visual_rft.answers import Outcome
from verl_visual_rft.evaluation.coordinate_evidence import coordinate_warnings
from verl_visual_rft.evaluation.results import (
    ANSWER_COLUMNS,
    Answered,
    AnswerStatistics,
    Figure,
    Result,
    ScoredAnswer,
    answer_statistics,
    figures_table,
    mean_figure,
    ratio_figure,
)
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.audited.strata import LARGE_AREA
from verl_visual_rft.tasks.metrics import TaskMetrics
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


class Metrics(TaskMetrics):
    """Hit rate, overall and by size, and the share of questions that are answered without a fault."""

    columns = {
        "hit_rate": "hit rate",
        "hit_small": "small",
        "hit_medium": "medium",
        "hit_large": "large",
        "no_target": "nothing meant",
        "all_hit": "all right",
        **ANSWER_COLUMNS,
    }
    caption = (
        "Share of targets with a point inside, in percent; where more points than targets are answered each hit counts "
        "targets / points. Targets are small below 1/300 of the picture and large from 3 % of it on; where nothing is "
        "meant 'No Objects' is a hit. All right: a point inside every target, and no other"
    )

    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """Hit rate, and the share of questions without a fault."""
        counted = [hits_of(sample) for _, sample in samples]
        targets = sum(hits.targets for hits in counted)
        return {
            "hit_rate": 100 * sum(hits.credit for hits in counted) / targets,
            "all_hit": 100 * sum(hits.faultless for hits in counted) / len(counted),
        }

    def measure(self, answered: Answered) -> Result:
        """Hit rates by size: see `measure_pointing`."""
        return measure_pointing(answered.scored, answered.reward)


@dataclass(frozen=True)
class PointingMetrics:
    """What one predictions file says about pointing.

    Attributes:
        n: Questions asked.
        targets: Targets in all; an instruction that means nothing counts as one.
        hit_rate: Share of the targets that are hit (`Hits`). Of questions with one target and one point answered it is
            the click accuracy of ScreenSpot and its like. Surplus points lower it, so that a flood of points hits
            nothing.
        hit_small: The same of targets below 1/300 of the picture; its ``n`` are questions that have such a target.
        hit_medium: Of those between.
        hit_large: Of those from 3 % of the picture on.
        no_target: Share of the instructions that mean nothing which are answered so.
        all_hit: Share of the questions with a point inside every target and no other.
        answers: What the answers are counted by.
        warnings: What speaks against these figures, with the evidence.
    """

    n: int
    targets: int
    hit_rate: Figure
    hit_small: Figure | None
    hit_medium: Figure | None
    hit_large: Figure | None
    no_target: Figure | None
    all_hit: Figure
    answers: AnswerStatistics
    warnings: tuple[str, ...]

    task = "pointing"

    def figures(self) -> dict[str, Figure | None]:
        """Hit rate, overall and by size, and the share of questions without a fault."""
        names = ("hit_rate", "hit_small", "hit_medium", "hit_large", "no_target", "all_hit")
        return {name: getattr(self, name) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary, the statistics of the answers at the top."""
        content = asdict(self)
        answers = content.pop("answers")
        return {"task": self.task, **content, **answers}

    def table(self) -> RenderableType:
        """A line a figure."""
        caption = f"{self.answers.failed} of {self.n} answers failed and count 0; {self.answers}"
        remarks = [caption, *(f"warning: {warning}" for warning in self.warnings)]
        title = f"pointing, {self.n} questions, {self.targets} targets"
        return figures_table(title, self.figures(), "\n".join(remarks))


def measure_pointing(scored: Sequence[ScoredAnswer], reward: str) -> PointingMetrics:
    """Compute the metrics of answered pointing questions; ``scored`` must not be empty."""
    counted = [hits_of(item.sample) for item in scored]
    images = [item.prediction.image_id for item in scored]
    return PointingMetrics(
        n=len(scored),
        targets=sum(hits.targets for hits in counted),
        hit_rate=ratio_figure([hits.credit for hits in counted], [hits.targets for hits in counted], images),
        hit_small=_of_size(SMALL, counted, images),
        hit_medium=_of_size(MEDIUM, counted, images),
        hit_large=_of_size(LARGE, counted, images),
        no_target=_of_size(NOTHING, counted, images),
        all_hit=mean_figure([hits.faultless for hits in counted], images),
        answers=answer_statistics(scored, reward),
        warnings=coordinate_warnings(scored),
    )


def _of_size(size: str, counted: Sequence[Hits], images: Sequence[str]) -> Figure | None:
    """Return the hit rate of targets of a size; None where there are none."""
    having = [(hits, image) for hits, image in zip(counted, images, strict=True) if hits.sizes.get(size)]
    if not having:
        return None
    return ratio_figure(
        [hits.credits.get(size, 0.0) for hits, _ in having],
        [hits.sizes[size] for hits, _ in having],
        [image for _, image in having],
    )


METRICS = Metrics()
