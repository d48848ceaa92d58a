# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which predicted boxes are right, by the matching of COCO and LVIS: what resampling and calibration need of each box.

faster-coco-eval matches the same way, but hands out only sums over all pictures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from faster_coco_eval.core import mask
from numpy.typing import NDArray

from verl_visual_rft.tasks.detection.metrics.boxes import LVIS_BOXES, evaluated_boxes, is_federated, strongest

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_COCO_BOXES = 100


@dataclass(frozen=True)
class ClassMatches:
    """The boxes of one category, by falling confidence; of equal ones, in the order of the pictures.

    Attributes:
        scores: Confidence of each box, (boxes,).
        images: Position of its picture among the pictures, (boxes,).
        right: Whether it found an object, (IoU thresholds, boxes).
        counted: Whether it is right or wrong; else it lies on a crowd, or nobody knows (LVIS). Same shape.
        truths: Objects in each picture, (pictures,).
    """

    scores: NDArray[np.float64]
    images: NDArray[np.int64]
    right: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    truths: NDArray[np.int64]


def match_boxes(
    annotations: dict[str, Any], boxes: Sequence[dict[str, Any]], category_ids: Sequence[int]
) -> dict[int, ClassMatches]:
    """Match the boxes of each category at COCO's ten IoU thresholds, all areas.

    Boxes choose by falling confidence: the best object that is still free and overlaps enough, else a crowd, which any
    number of boxes may lie on. Of LVIS (`is_federated`) see `lvis_average_precision`.

    Args:
        annotations: See `evaluated_boxes`.
        boxes: Dictionaries ``image_id``, ``category_id``, ``bbox`` and ``score``.
        category_ids: Categories to match.
    """
    federated = is_federated(annotations)
    evaluated = evaluated_boxes(annotations, strongest(boxes) if federated else boxes, category_ids)
    images = evaluated.truth["images"]
    counts: dict[int, NDArray[np.int64]] = {
        category_id: np.zeros(len(images), dtype=np.int64) for category_id in category_ids
    }
    for truth in evaluated.truth["annotations"]:
        counts[truth["category_id"]][truth["image_id"] - 1] += not truth["iscrowd"]

    truths, found = _by_pair(evaluated.truth["annotations"]), _by_pair(evaluated.boxes)
    parts: dict[int, list[_Part]] = {category_id: [] for category_id in category_ids}
    for pair in sorted(found):
        position, category_id = pair[0] - 1, pair[1]
        image = images[position]
        if not federated:
            part = _match_pair(found[pair], truths.get(pair, []), _COCO_BOXES)
        elif pair in truths or category_id in image["neg_category_ids"]:
            unsure = category_id in image["not_exhaustive_category_ids"]
            part = _match_pair(found[pair], truths.get(pair, []), LVIS_BOXES, unsure)
        else:
            continue
        parts[category_id].append((position, *part))
    return {category_id: _join(parts[category_id], counts[category_id]) for category_id in category_ids}


_Flags: TypeAlias = NDArray[np.bool_]
_Part: TypeAlias = tuple[int, NDArray[np.float64], _Flags, _Flags]


def _match_pair(
    boxes: list[dict[str, Any]], truths: list[dict[str, Any]], limit: int, unsure: bool = False
) -> tuple[NDArray[np.float64], _Flags, _Flags]:
    """Scores, right and counted of the boxes of one category in one picture."""
    boxes = sorted(boxes, key=lambda box: -box["score"])[:limit]
    scores = np.array([box["score"] for box in boxes])
    right: _Flags = np.zeros((len(IOU_THRESHOLDS), len(boxes)), dtype=bool)
    on_crowd = np.zeros_like(right)
    if truths:
        crowd = np.array([bool(truth["iscrowd"]) for truth in truths])
        overlaps = np.asarray(mask.iou([box["bbox"] for box in boxes], [truth["bbox"] for truth in truths], crowd))
        free = np.tile(~crowd, (len(IOU_THRESHOLDS), 1))
        for column, overlap in enumerate(overlaps):
            enough = overlap >= IOU_THRESHOLDS[:, None]
            candidates = np.where(enough & free, overlap, -1.0)
            # Of equal overlaps COCO takes the last.
            best = candidates.shape[1] - 1 - candidates[:, ::-1].argmax(axis=1)
            hit = candidates[np.arange(len(best)), best] >= 0
            free[hit, best[hit]] = False
            right[:, column] = hit
            on_crowd[:, column] = ~hit & (enough & crowd).any(axis=1)
    counted = right.copy() if unsure else ~on_crowd
    return scores, right, counted


def _join(parts: list[_Part], truths: NDArray[np.int64]) -> ClassMatches:
    if not parts:
        none: _Flags = np.zeros((len(IOU_THRESHOLDS), 0), dtype=bool)
        return ClassMatches(np.zeros(0), np.zeros(0, dtype=np.int64), none, none, truths)
    positions, scores, right, counted = zip(*parts, strict=True)
    joined = np.concatenate(scores)
    order = np.argsort(-joined, kind="stable")
    return ClassMatches(
        scores=joined[order],
        images=np.repeat(positions, [len(part) for part in scores])[order],
        right=np.concatenate(right, axis=1)[:, order],
        counted=np.concatenate(counted, axis=1)[:, order],
        truths=truths,
    )


def _by_pair(entries: Sequence[dict[str, Any]]) -> dict[tuple[int, int], list[dict[str, Any]]]:
    pairs: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        pairs[entry["image_id"], entry["category_id"]].append(entry)
    return pairs
