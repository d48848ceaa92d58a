# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""AP of every category and its means over groups of categories, with bootstrap intervals over pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.datasets.category_lists import BUILT_IN
from verl_visual_rft.evaluation.bootstrap import Interval, beyond_the_draws, percentile_interval, resample_counts
from verl_visual_rft.evaluation.prepared import PreparedTruth
from verl_visual_rft.evaluation.results import Figure
from verl_visual_rft.tasks.detection.metrics.average_precision import (
    AveragePrecision,
    coco_average_precision,
    lvis_average_precision,
)
from verl_visual_rft.tasks.detection.metrics.boxes import is_federated
from verl_visual_rft.tasks.detection.metrics.matching import ClassMatches, match_boxes
from verl_visual_rft.tasks.detection.metrics.resampling import resampled_ap

# Columns of ``Resamples``: over all thresholds, at 0.50, at 0.75.
_AT_50, _AT_75 = 0, 5
Resamples: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class ClassAP:
    """AP of one category in percent.

    Attributes:
        ap: Over IoU 0.50 to 0.95.
        ap50: At IoU 0.50.
        ap75: At IoU 0.75.
        ap_over_areas: See `AveragePrecision`.
        ap_interval: 95 % interval of ``ap``.
        truths: Objects, crowds not counted.
        images: Pictures that show one.
    """

    ap: float
    ap50: float
    ap75: float
    ap_over_areas: float | None
    ap_interval: Interval | None
    truths: int
    images: int


@dataclass(frozen=True)
class GroupAP:
    """Means over the categories of a group that have ground truth, in percent; ``None`` where none has.

    Attributes:
        ap: Mean AP over IoU 0.50 to 0.95.
        ap50: Mean AP at IoU 0.50.
        ap75: Mean AP at IoU 0.75.
        ap_over_areas: Of LVIS, the published evaluation's mean: see `AveragePrecision`.
        ap_interval: 95 % interval of ``ap``.
        ap50_interval: The same of ``ap50``.
        ap75_interval: The same of ``ap75``.
        classes: How many categories the means are over.
        without_truth: Names of the categories that were left out because no picture shows them.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_over_areas: float | None
    ap_interval: Interval | None
    ap50_interval: Interval | None
    ap75_interval: Interval | None
    classes: int
    without_truth: tuple[str, ...]

    def figures(self) -> dict[str, Figure | None]:
        """``map``, ``map50`` and ``map75``, their ``n`` the number of categories that they are means over."""
        columns = {
            "map": (self.ap, self.ap_interval),
            "map50": (self.ap50, self.ap50_interval),
            "map75": (self.ap75, self.ap75_interval),
        }
        return {
            name: None if value is None or drawn is None else Figure(value, self.classes, drawn.low, drawn.high)
            for name, (value, drawn) in columns.items()
        }


@dataclass(frozen=True)
class EvaluatedGroups:
    """AP of boxes against a truth.

    Attributes:
        rules: ``coco``, or ``lvis`` where the annotation is federated.
        groups: Means over groups of categories.
        per_class: AP of each category; ``None`` where it has no ground truth.
        summary: The evaluator's own figures over all categories: see `BoxEvaluation`.
        matches: What became of the boxes of each category.
        draws: How often each picture is drawn in each resample, (resamples, pictures).
    """

    rules: str
    groups: dict[str, GroupAP]
    per_class: dict[str, ClassAP | None]
    summary: dict[str, float | None]
    matches: dict[str, ClassMatches]
    draws: NDArray[Any]


def evaluate_groups(
    truth: PreparedTruth, boxes: Sequence[dict[str, Any]], groups: Mapping[str, Sequence[str]]
) -> EvaluatedGroups:
    """Compute AP by the rules of the truth's annotation.

    Args:
        truth: What is to be found.
        boxes: Dictionaries ``image_id``, ``category_id``, ``bbox`` and ``score``.
        groups: Names of categories by group; ``all`` are those that are evaluated.
    """
    numbers = {name: truth.category_ids[name] for name in groups["all"]}
    federated = is_federated(truth.annotations)
    average_precision = lvis_average_precision if federated else coco_average_precision
    evaluation = average_precision(truth.annotations, boxes, [*numbers.values()])
    by_number = match_boxes(truth.annotations, boxes, [*numbers.values()])
    matches = {name: by_number[number] for name, number in numbers.items()}
    draws = resample_counts(len(truth.image_ids))
    resamples = {name: resample(own, draws) for name, own in matches.items()}
    per_class = {
        name: None if ap is None else class_ap(ap, resamples[name], matches[name])
        for name, number in numbers.items()
        for ap in [evaluation.per_class[number]]
    }
    means = {name: group_ap(members, per_class, resamples, matches) for name, members in groups.items()}
    return EvaluatedGroups("lvis" if federated else "coco", means, per_class, evaluation.figures, matches, draws)


def category_groups(base: Sequence[str], novel: Sequence[str], known: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Name the groups that means are reported over.

    Args:
        base: Categories of the manifest's group.
        novel: The same.
        known: All categories of the data, in their order.

    Returns:
        ``base``, ``novel``, ``all`` of the two, and those of the paper's lists of which ``all`` has every category.
    """
    evaluated = tuple(name for name in known if name in {*base, *novel})
    lists = {name: members for name, members in BUILT_IN.items() if {*members} <= {*evaluated}}
    return {"base": tuple(base), "novel": tuple(novel), "all": evaluated, **lists}


def resample(matches: ClassMatches, counts: NDArray[Any]) -> Resamples:
    """AP, AP50 and AP75 of a category in each resample, (resamples, 3); NaN without ground truth."""
    ap = resampled_ap(matches, counts)
    columns: Resamples = np.column_stack([ap.mean(axis=1), ap[:, _AT_50], ap[:, _AT_75]])
    return columns


def class_ap(ap: AveragePrecision, resamples: Resamples, matches: ClassMatches) -> ClassAP:
    """Put a category's AP, its interval and its counts together."""
    truths = matches.truths
    return ClassAP(
        ap=ap.ap,
        ap50=ap.ap50,
        ap75=ap.ap75,
        ap_over_areas=ap.ap_over_areas,
        ap_interval=_interval(resamples[:, 0], truths > 0),
        truths=int(truths.sum()),
        images=int((truths > 0).sum()),
    )


def group_ap(
    names: Sequence[str],
    per_class: Mapping[str, ClassAP | None],
    resamples: Mapping[str, Resamples],
    matches: Mapping[str, ClassMatches],
) -> GroupAP:
    """Average over a group; a resample's mean is over the categories that its pictures show."""
    present = {name: ap for name in names if (ap := per_class[name]) is not None}
    without_truth = tuple(name for name in names if per_class[name] is None)
    if not present:
        return GroupAP(None, None, None, None, None, None, None, 0, without_truth)
    over_areas = [ap.ap_over_areas for ap in present.values() if ap.ap_over_areas is not None]
    drawn = np.stack([resamples[name] for name in present])
    shown = ~np.isnan(drawn)
    means = np.divide(
        np.where(shown, drawn, 0).sum(axis=0),
        shown.sum(axis=0),
        out=np.full(drawn.shape[1:], np.nan),
        where=shown.any(axis=0),
    )
    shows_one = np.any([matches[name].truths > 0 for name in present], axis=0)
    ap_interval, ap50_interval, ap75_interval = (_interval(column, shows_one) for column in means.T)
    return GroupAP(
        ap=fmean(ap.ap for ap in present.values()),
        ap50=fmean(ap.ap50 for ap in present.values()),
        ap75=fmean(ap.ap75 for ap in present.values()),
        ap_over_areas=fmean(over_areas) if over_areas else None,
        ap_interval=ap_interval,
        ap50_interval=ap50_interval,
        ap75_interval=ap75_interval,
        classes=len(present),
        without_truth=without_truth,
    )


def _interval(drawn: NDArray[np.float64], shows_one: NDArray[np.bool_]) -> Interval | None:
    """Interval of an AP in percent, over the pictures that show an object."""
    return beyond_the_draws(percentile_interval(drawn), int(shows_one.sum()), most=100.0)
