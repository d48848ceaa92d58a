# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Average precision of boxes by the rules of COCO and of LVIS, computed by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from verl_visual_rft.tasks.detection.metrics.boxes import LVIS_BOXES, EvaluatedBoxes, evaluated_boxes, strongest

_COCO_FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
# Where faster-coco-eval puts the figures of LVIS when boxes are limited once, at LVIS_BOXES.
_LVIS_FIGURES = {
    **{"AP": 0, "AP50": 1, "AP75": 2, "APs": 3, "APm": 4, "APl": 5, "APr": 14, "APc": 15, "APf": 16},
    **{"AR@300": 6, "ARs@300": 9, "ARm@300": 10, "ARl@300": 11},
}


@dataclass(frozen=True)
class AveragePrecision:
    """AP of one category in percent.

    Attributes:
        ap: Over IoU 0.50 to 0.95.
        ap50: At IoU 0.50.
        ap75: At IoU 0.75.
        ap_over_areas: LVIS only: ``ap`` as the published evaluation has it, which averages over the area ranges "all",
            "small", "medium" and "large" as well.
    """

    ap: float
    ap50: float
    ap75: float
    ap_over_areas: float | None = None


@dataclass(frozen=True)
class BoxEvaluation:
    """What an evaluator finds.

    Attributes:
        per_class: AP of each category by id; ``None`` where a category has no ground truth (crowds do not count).
        figures: The evaluator's own figures over all evaluated categories, in percent: the twelve of COCO, the thirteen
            of LVIS; ``None`` where there is no truth of that size or frequency.
    """

    per_class: dict[int, AveragePrecision | None]
    figures: dict[str, float | None]


def coco_average_precision(
    annotations: dict[str, Any], boxes: Sequence[dict[str, Any]], category_ids: Sequence[int]
) -> BoxEvaluation:
    """AP by the rules of COCO (pycocotools' ``COCOeval``).

    ``AP = mean over 10 IoU thresholds and 101 recall points of the interpolated precision``, all areas, at most 100
    boxes a picture and category; crowd annotations neither count as truths nor make a box on them false.

    Args:
        annotations: See `evaluated_boxes`.
        boxes: Dictionaries ``image_id``, ``category_id``, ``bbox`` and ``score``.
        category_ids: Categories to evaluate.
    """
    evaluation = _evaluate(evaluated_boxes(annotations, boxes, category_ids), federated=False)
    figures = {name: _percent(value) for name, value in zip(_COCO_FIGURES, evaluation.stats, strict=True)}
    per_class = {
        category_id: _class_ap(precision[:, :, 0])
        for category_id, precision in zip(category_ids, _precisions(evaluation, category_ids), strict=True)
    }
    return BoxEvaluation(per_class, figures)


def lvis_average_precision(
    annotations: dict[str, Any], boxes: Sequence[dict[str, Any]], category_ids: Sequence[int]
) -> BoxEvaluation:
    """AP by the rules of LVIS (``lvis.LVISEval``), whose annotation is federated.

    As COCO's, but a box counts only where its category was looked for (the picture shows it, or lists it under
    ``neg_category_ids``), and one that matches nothing is no false alarm where not every object of the category has a
    box (``not_exhaustive_category_ids``). `LVIS_BOXES` a picture are kept.

    Args:
        annotations: LVIS dictionary.
        boxes: Dictionaries ``image_id``, ``category_id``, ``bbox`` and ``score``.
        category_ids: Categories to evaluate.
    """
    evaluation = _evaluate(evaluated_boxes(annotations, strongest(boxes), category_ids), federated=True)
    figures = {name: _percent(evaluation.all_stats[place]) for name, place in _LVIS_FIGURES.items()}
    per_class = {
        category_id: _class_ap(precision[:, :, 0], over_areas=precision)
        for category_id, precision in zip(category_ids, _precisions(evaluation, category_ids), strict=True)
    }
    return BoxEvaluation(per_class, figures)


def _evaluate(evaluated: EvaluatedBoxes, *, federated: bool) -> COCOeval_faster:
    truth = COCO(evaluated.truth)
    evaluation = COCOeval_faster(truth, truth.loadRes(evaluated.boxes), iouType="bbox", lvis_style=federated)
    if federated:
        evaluation.params.maxDets = [LVIS_BOXES]
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


def _precisions(evaluation: COCOeval_faster, category_ids: Sequence[int]) -> list[NDArray[Any]]:
    """Precision of each category, (IoU threshold, recall point, area range); -1 where there is no truth."""
    precision = evaluation.eval["precision"][..., -1]
    columns = {int(category_id): column for column, category_id in enumerate(evaluation.params.catIds)}
    return [precision[:, :, columns[category_id]] for category_id in category_ids]


def _class_ap(precision: NDArray[Any], over_areas: NDArray[Any] | None = None) -> AveragePrecision | None:
    if (precision < 0).all():
        return None
    percent = 100 * precision
    every = None if over_areas is None else float(100 * over_areas[over_areas > -1].mean())
    return AveragePrecision(float(percent.mean()), float(percent[0].mean()), float(percent[5].mean()), every)


def _percent(value: float) -> float | None:
    return None if value < 0 else 100 * float(value)
