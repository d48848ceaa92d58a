# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Box geometry and matching, plain Python on tuples.

A box is ``(x1, y1, x2, y2)`` with finite coordinates in any one space; a box whose sides are not positive
(``x2 <= x1`` or ``y2 <= y1``) has no area and overlaps nothing. Areas are continuous: no "+1" for pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]


def area(box: Box) -> float:
    """Return the area of a box, in squared units of its space; 0 if a side is not positive.

    Example:
        >>> area((10, 10, 20, 30))
        200
    """
    width, height = box[2] - box[0], box[3] - box[1]
    return width * height if width > 0 and height > 0 else 0


def iou(first: Box, second: Box) -> float:
    """Return the intersection over union of two boxes, in [0, 1]; 0 when either has no area.

    Example:
        >>> iou((0, 0, 10, 10), (0, 5, 10, 15))
        0.3333333333333333
    """
    width = min(first[2], second[2]) - max(first[0], second[0])
    if width <= 0:
        return 0.0
    height = min(first[3], second[3]) - max(first[1], second[1])
    if height <= 0:
        return 0.0
    intersection = width * height
    return intersection / (area(first) + area(second) - intersection)


def giou(first: Box, second: Box) -> float:
    """Return the generalised IoU, ``IoU - (hull - union) / hull``, in (-1, 1].

    The hull is the smallest box around both. Unlike IoU it still tells near from far when boxes do not overlap
    (Rezatofighi et al., 2019, arXiv 1902.09630). Boxes whose hull has no area give 0.

    Example:
        >>> giou((0, 0, 10, 10), (20, 0, 30, 10))
        -0.3333333333333333
    """
    hull = area(
        (min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3]))
    )
    if hull <= 0:
        return 0.0
    overlap = iou(first, second)
    union = (area(first) + area(second)) / (1 + overlap)
    return overlap - max(0.0, hull - union) / hull


def match_greedy(predictions: Sequence[Box], truths: Sequence[Box], threshold: float) -> list[tuple[int | None, float]]:
    """Give each prediction, in the given order, the best truth that is still free.

    The order is the caller's: sort by confidence first for the matching of the paper and of COCO. Equal overlaps go
    to the earlier truth.

    Args:
        predictions: Boxes in the order in which they may choose.
        truths: Boxes to be found; each is given away once.
        threshold: Smallest IoU that counts as a match (``iou >= threshold``), above 0.

    Returns:
        For each prediction the index of its truth and their IoU, or ``(None, 0.0)``.

    Example:
        >>> match_greedy([(0, 0, 10, 9), (0, 0, 10, 10)], [(0, 0, 10, 10)], threshold=0.5)
        [(0, 0.9), (None, 0.0)]
    """
    free = dict(enumerate(truths))
    matches: list[tuple[int | None, float]] = []
    for prediction in predictions:
        best, best_iou = None, 0.0
        for index, truth in free.items():
            overlap = iou(prediction, truth)
            if overlap >= threshold and overlap > best_iou:
                best, best_iou = index, overlap
        if best is not None:
            del free[best]
        matches.append((best, best_iou))
    return matches
