# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a policy may know of a set of boxes without looking at any picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, mode

from verl_visual_rft.boxes import Box, iou

CLUSTERS = 3
_ROUNDS = 10
# Boxes that are tried as the best fixed one, at most: their number is squared.
_CANDIDATES = 400


@dataclass(frozen=True)
class Prior:
    """Statistics of a set, boxes as shares of the picture.

    Attributes:
        mean_box: The mean of all boxes.
        best_box: The box of the set with the highest mean IoU with all of them.
        clusters: Means of k-means clusters, largest first, each with the mean IoU of its boxes.
        count: The most frequent number of boxes of the pictures that have any.
    """

    mean_box: Box
    best_box: Box
    clusters: tuple[tuple[Box, float], ...]
    count: int


def learn_prior(pictures: Sequence[Sequence[Box]]) -> Prior | None:
    """Return the statistics of the boxes of pictures; None without any box."""
    boxes = [box for picture in pictures for box in picture]
    if not boxes:
        return None
    candidates = boxes[:_CANDIDATES]
    best = max(candidates, key=lambda box: sum(iou(box, other) for other in candidates))
    return Prior(_mean(boxes), best, _clusters(boxes), mode(len(picture) for picture in pictures if picture))


def _mean(boxes: Sequence[Box]) -> Box:
    x1, y1, x2, y2 = (fmean(values) for values in zip(*boxes, strict=True))
    return (x1, y1, x2, y2)


def _clusters(boxes: Sequence[Box]) -> tuple[tuple[Box, float], ...]:
    """Lloyd's k-means, begun at boxes of evenly spread areas, so that it depends on nothing but the boxes."""
    by_area = sorted(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    k = min(CLUSTERS, len(boxes))
    centres = [by_area[(2 * place + 1) * len(boxes) // (2 * k)] for place in range(k)]
    for _ in range(_ROUNDS):
        nearest = [min(range(k), key=lambda place: _distance(box, centres[place])) for box in boxes]
        members = [[box for box, place in zip(boxes, nearest, strict=True) if place == own] for own in range(k)]
        centres = [_mean(own) if own else centre for own, centre in zip(members, centres, strict=True)]
    sizes = Counter(nearest)
    ranked = sorted(range(k), key=lambda place: -sizes[place])
    return tuple((centres[p], fmean(iou(centres[p], box) for box in members[p])) for p in ranked if members[p])


def _distance(first: Box, second: Box) -> float:
    return sum((a - b) ** 2 for a, b in zip(first, second, strict=True))
