# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What an existence stage does to AP: the answers behind it, measured.

From answers to all questions, AP behind any stage is that of the answers which it lets through; of answers that were
made behind a stage, AP is behind it already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from verl_visual_rft.datasets.existence_map import ExistenceMap, read_existence_map
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.existence import (
    StageQuality,
    annotated_truth,
    ap_ceiling,
    oracle_map,
    stage_quality,
)
from verl_visual_rft.evaluation.predictions import ExistenceStage
from verl_visual_rft.evaluation.prepared import PreparedTruth
from verl_visual_rft.evaluation.results import Figure, ScoredAnswer, percent
from verl_visual_rft.tasks.detection.metrics.figures import DetectionMetrics
from verl_visual_rft.tasks.detection.metrics.measure import measure_detection

ORACLE = "oracle"


@dataclass(frozen=True)
class BehindStage:
    """What one stage does to AP.

    Attributes:
        mode: "oracle", or the file of a map; "..., in predict" of a stage that the answers were made behind.
        asked: Answers that it lets through.
        quality: How often it is right about the evaluated categories; of a stage that the answers were made behind,
            about the questions of the data.
        ceilings: The largest mean AP in percent that any detector can reach behind it, of ``base``, ``novel`` and
            ``all``; ``None`` for a group without ground truth.
        metrics: Metrics of the answers that it lets through.
    """

    mode: str
    asked: int
    quality: StageQuality
    ceilings: dict[str, float | None]
    metrics: DetectionMetrics


@dataclass(frozen=True)
class StagedDetection:
    """Detection metrics of all answers, and behind stages if there are any."""

    metrics: DetectionMetrics
    stages: tuple[BehindStage, ...]

    task = "detection"

    def figures(self) -> dict[str, Figure | None]:
        """Those of all answers, and the means of ``base``, ``novel`` and ``all`` behind each stage."""
        figures = self.metrics.figures()
        for stage in self.stages:
            behind = stage.metrics.figures()
            figures.update({f"map_{name}, {stage.mode}": behind[f"map_{name}"] for name in stage.ceilings})
        return figures

    def to_dict(self) -> dict[str, Any]:
        """The metrics of all answers, and under ``existence`` those behind each stage, by mode, if there are any."""
        existence = {
            stage.mode: {
                "asked": stage.asked,
                "quality": stage.quality.to_dict(),
                "ap_ceilings": stage.ceilings,
                **{f"map_{name}": stage.metrics.groups[name].ap for name in stage.ceilings},
                "intervals": {name: stage.metrics.to_dict()["intervals"][f"map_{name}"] for name in stage.ceilings},
            }
            for stage in self.stages
        }
        return self.metrics.to_dict() | ({"existence": existence} if existence else {})

    def table(self) -> RenderableType:
        """The metrics of all answers, then a line a stage: its quality, and AP of the highest that is possible."""
        if not self.stages:
            return self.metrics.table()
        table = Table(title="behind an existence stage: AP of at most", title_justify="left", box=SIMPLE_HEAD)
        names = list(self.stages[0].ceilings)
        for heading in ("stage", "asked", "precision", "recall", *names):
            table.add_column(heading, justify="left" if heading == "stage" else "right")
        for stage in self.stages:
            means = (
                f"{percent(stage.metrics.groups[name].ap)} of {percent(stage.ceilings[name])}"
                for name in stage.ceilings
            )
            rates = (stage.quality.precision, stage.quality.recall)
            shares = ("n/a" if rate is None else f"{rate:.3f}" for rate in rates)
            table.add_row(Text(stage.mode), str(stage.asked), *shares, *means)
        return Group(self.metrics.table(), table)


def measure_behind(
    scored: Sequence[ScoredAnswer], truth: PreparedTruth, reward: str, modes: Sequence[str]
) -> StagedDetection:
    """Measure answers as they are and behind each of some stages.

    Args:
        scored: Answers to all questions, asked without a stage.
        truth: What they are measured against.
        reward: Name of the reward that they were scored with.
        modes: "oracle", the ground truth as the stage; or a map's file, as ``predict --existence self`` leaves one.

    Raises:
        UserError: A map is missing, malformed or lacks a picture, or lets no answer through.
    """
    return StagedDetection(
        measure_detection(scored, truth, reward), tuple(_behind(scored, truth, reward, mode) for mode in modes)
    )


def measure_asked(
    scored: Sequence[ScoredAnswer], truth: PreparedTruth, reward: str, stage: ExistenceStage
) -> StagedDetection:
    """Measure answers that were made behind a stage, and what it lets a detector reach at most.

    Args:
        scored: Answers to the questions that the stage let through, all of them.
        truth: What they are measured against.
        reward: Name of the reward that they were scored with.
        stage: What `predict` says of it.
    """
    metrics = measure_detection(scored, truth, reward)
    pairs = ((item.prediction.image_id, item.prediction.category) for item in scored)
    asked = ExistenceMap.of(f"the stage {stage.mode}", truth.image_ids, pairs)
    quality = StageQuality(stage.questions, stage.asked, stage.precision, stage.recall)
    behind = BehindStage(f"{stage.mode}, in predict", stage.asked, quality, _ceilings(asked, truth), metrics)
    return StagedDetection(metrics, (behind,))


def _behind(scored: Sequence[ScoredAnswer], truth: PreparedTruth, reward: str, mode: str) -> BehindStage:
    stage = oracle_map(truth.annotations) if mode == ORACLE else read_existence_map(Path(mode))
    kept = [item for item in scored if stage.claims((item.prediction.image_id, item.prediction.category))]
    if not kept:
        raise UserError(f"{stage.source} calls every category that was asked for absent; no answer is left to measure")
    evaluated = _groups(truth)["all"]
    known = {pair: present for pair, present in annotated_truth(truth.annotations).items() if pair[1] in evaluated}
    return BehindStage(
        mode=mode,
        asked=len(kept),
        quality=stage_quality(stage, known),
        ceilings=_ceilings(stage, truth),
        metrics=measure_detection(kept, truth, reward),
    )


def _groups(truth: PreparedTruth) -> dict[str, tuple[str, ...]]:
    return {**truth.groups, "all": (*truth.groups["base"], *truth.groups["novel"])}


def _ceilings(stage: ExistenceMap, truth: PreparedTruth) -> dict[str, float | None]:
    by_category = ap_ceiling(stage, truth.annotations)
    reachable = {
        group: [ap for name in names if (ap := by_category[name]) is not None]
        for group, names in _groups(truth).items()
    }
    return {group: fmean(values) if values else None for group, values in reachable.items()}
