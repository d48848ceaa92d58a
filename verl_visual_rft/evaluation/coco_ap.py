# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Average precision of boxes by the rules of COCO (pycocotools' ``COCOeval``), computed by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster


@dataclass(frozen=True)
class AveragePrecision:
    """AP in percent: over IoU 0.50 to 0.95, at 0.50 and at 0.75."""

    ap: float
    ap50: float
    ap75: float


def average_precision_by_class(
    annotations: dict[str, Any], boxes: Sequence[dict[str, Any]], category_ids: Sequence[int]
) -> dict[int, AveragePrecision | None]:
    """COCO AP of each category.

    ``AP = mean over 10 IoU thresholds and 101 recall points of the interpolated precision``, all areas, at most 100
    boxes a picture and category; crowd annotations neither count as truths nor make a box on them false.

    Args:
        annotations: COCO dictionary with pixel boxes ``[x, y, width, height]``, ``area`` and ``iscrowd``.
        boxes: Dictionaries ``image_id``, ``category_id``, ``bbox`` (same form) and ``score``.
        category_ids: Categories to evaluate.

    Returns:
        Category id to AP in percent; ``None`` where a category has no ground truth (crowds do not count).
    """
    truth = COCO(annotations)
    answers = truth.loadRes([dict(box) for box in boxes])
    evaluation = COCOeval_faster(truth, answers, iouType="bbox")
    evaluation.params.catIds = list(category_ids)
    evaluation.evaluate()
    evaluation.accumulate()
    # precision: IoU threshold x recall point x category x area range x most boxes; -1 where there is no truth.
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    ids = [int(category_id) for category_id in evaluation.params.catIds]
    return {category_id: _summarise(precision[:, :, column]) for column, category_id in enumerate(ids)}


def _summarise(precision: np.ndarray) -> AveragePrecision | None:
    if (precision < 0).all():
        return None
    percent: np.ndarray = 100 * precision
    return AveragePrecision(ap=float(percent.mean()), ap50=float(percent[0].mean()), ap75=float(percent[5].mean()))
