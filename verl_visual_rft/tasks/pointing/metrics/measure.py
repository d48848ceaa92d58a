# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pointing metrics: hit rates with their intervals, by the size of what is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType

from verl_visual_rft.evaluation.coordinate_evidence import coordinate_warnings
from verl_visual_rft.evaluation.results import (
    AnswerStatistics,
    Figure,
    ScoredAnswer,
    answer_statistics,
    figures_table,
    mean_figure,
    ratio_figure,
)
from verl_visual_rft.tasks.pointing.metrics.hits import LARGE, MEDIUM, NOTHING, SMALL, Hits, hits_of


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
