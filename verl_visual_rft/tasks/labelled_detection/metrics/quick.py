# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""AP and F1 of validation questions while a run trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.detection.metrics.matching import match_boxes
from verl_visual_rft.tasks.detection.metrics.resampling import resampled_ap
from verl_visual_rft.tasks.labelled_detection.metrics.judged import coco_boxes, judge
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth

_AT_50 = 0  # place among COCO's ten IoU thresholds


def quick_figures(samples: Sequence[Sample]) -> dict[str, float]:
    """Return ``labelled_ap`` and ``labelled_ap50``, means over the categories that have objects, and ``labelled_f1``.

    The objects are those of the questions, in the answer's coordinates; ``visual-rft eval`` takes the annotations, with
    their crowds, and ranks boxes of equal confidence by picture, not by the order of the data.
    """
    judged = [judge(sample, str(number)) for number, sample in enumerate(samples)]
    truths = [sample.truth for sample in samples if isinstance(sample.truth, LabelledTruth)]
    names = sorted({name for truth in truths for name in truth.categories})
    ids = {name: number for number, name in enumerate(names, start=1)}
    annotations = {
        "images": [{"id": number} for number in range(len(samples))],
        "annotations": [
            {"image_id": number, "category_id": ids[label], "bbox": [x1, y1, x2 - x1, y2 - y1], "area": 0.0}
            for number, truth in enumerate(truths)
            for (x1, y1, x2, y2), label in truth.objects
        ],
        "categories": [{"id": number} for number in ids.values()],
    }
    boxes = [row for number, item in enumerate(judged) for row in coco_boxes(item, number, ids, lambda box: box)]
    every = match_boxes(annotations, boxes, [*ids.values()]).values()
    once: NDArray[np.int64] = np.ones((1, len(samples)), dtype=np.int64)
    by_category = [resampled_ap(matches, once)[0] for matches in every]
    with_objects = [ap for ap in by_category if not np.isnan(ap[0])]
    if not with_objects:
        return {}
    ap = np.mean(with_objects, axis=0)
    total = sum(item.boxes + item.objects for item in judged)
    return {
        "labelled_ap": float(ap.mean()),
        "labelled_ap50": float(ap[_AT_50]),
        "labelled_f1": 100 * 2 * sum(item.mistakes.right for item in judged) / total,
    }
