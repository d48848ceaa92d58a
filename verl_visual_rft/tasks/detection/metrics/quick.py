# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""AP of validation questions while a run trains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.detection.answer import DetectionAnswer
from verl_visual_rft.tasks.detection.metrics.matching import match_boxes
from verl_visual_rft.tasks.detection.metrics.measure import distinct, ranked_by
from verl_visual_rft.tasks.detection.metrics.resampling import resampled_ap
from verl_visual_rft.tasks.detection.truth import DetectionTruth

_AT_50, _AT_75 = 0, 5  # places among COCO's ten IoU thresholds


def quick_ap(samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
    """Return ``ap``, ``ap50`` and ``ap75`` by COCO's rules: means over the categories that have objects.

    The objects are those that the questions ask for, in the answer's coordinates; ``visual-rft eval`` takes the
    original annotations, with their crowds and with objects that no question asks for, and ranks boxes of equal
    confidence by picture, not by the order of the data.
    """
    by_category: dict[str, list[Sample]] = defaultdict(list)
    for category, sample in samples:
        by_category[category].append(sample)
    per_category = np.stack([_average_precision(samples) for samples in by_category.values()])
    with_objects = per_category[~np.isnan(per_category[:, 0])]
    if not len(with_objects):
        return {}
    ap = with_objects.mean(axis=0)
    return {"ap": float(ap.mean()), "ap50": float(ap[_AT_50]), "ap75": float(ap[_AT_75])}


def _average_precision(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """AP of one category at each IoU threshold, in percent; NaN without objects.

    Each question is a picture of its own, which AP of one category cannot tell from pictures, and IoU is the same in
    the answer's coordinates as in pixels.
    """
    truths, boxes = [], []
    for number, sample in enumerate(samples):
        answer, truth = sample.answer, sample.truth
        assert isinstance(answer, DetectionAnswer) and isinstance(truth, DetectionTruth)
        place = {"image_id": number, "category_id": 1}
        truths += [{**place, "bbox": _corner_and_size(box), "area": 0.0} for box in truth.boxes]
        boxes += [
            {**place, "bbox": _corner_and_size(detection.box), "score": ranked_by(detection)}
            for detection in distinct(answer.detections)
        ]
    annotations = {
        "images": [{"id": number} for number in range(len(samples))],
        "annotations": truths,
        "categories": [{"id": 1}],
    }
    matches = match_boxes(annotations, boxes, [1])[1]
    ap: NDArray[np.float64] = resampled_ap(matches, np.ones((1, len(samples)), dtype=np.int64))[0]
    return ap


def _corner_and_size(box: Box) -> list[float]:
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]
