# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Box geometry and matching, plain Python on tuples.

A box is ``(x1, y1, x2, y2)`` with finite coordinates in any one space; a box whose sides are not positive
(``x2 <= x1`` or ``y2 <= y1``) has no area and overlaps nothing. Areas are continuous: no "+1" for pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Box = tuple[float, float, float, float]


def area(box: Box) -> float:
    """Return the area of a box, in squared units of its space; 0 if a side is not positive.

    Example:
        >>> area((10, 10, 20, 30))
        200
    """
    width, height = box[2] - box[0], box[3] - box[1]
    return width * height if width > 0 and height > 0 else 0


def around(points: Iterable[tuple[float, float]]) -> Box:
    """Return the smallest box around some points, of which there must be one.

    Example:
        >>> around([(1, 5), (3, 2)])
        (1, 2, 3, 5)
    """
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def part_within(box: Box, size: tuple[float, float]) -> Box | None:
    """Return the part of a box that lies in a picture of a size; None where that has no area.

    Example:
        >>> part_within((-2, 1, 5, 5), (10, 3))
        (0.0, 1, 5, 3)
    """
    x1, y1, x2, y2 = max(box[0], 0.0), max(box[1], 0.0), min(box[2], size[0]), min(box[3], size[1])
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


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
    union = area(first) + area(second) - intersection
    return intersection / union if union > 0 else 0.0  # sides so small that their product is 0 have no area either


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


def diou(first: Box, second: Box) -> float:
    """Return the distance IoU, ``IoU - d^2 / c^2``, in [-1, 1]; -1 when either has no area.

    d is the distance of the centres, c the diagonal of the smallest box around both. Unlike IoU and GIoU it tells
    where a box lies inside another (Zheng et al., 2020, arXiv 1911.08287, Eq. 6 and 7).

    Example:
        >>> diou((0, 0, 10, 10), (20, 0, 30, 10))
        -0.4
    """
    if not area(first) or not area(second):
        return -1.0
    twice_dx = first[0] + first[2] - second[0] - second[2]
    twice_dy = first[1] + first[3] - second[1] - second[3]
    hull_width = max(first[2], second[2]) - min(first[0], second[0])
    hull_height = max(first[3], second[3]) - min(first[1], second[1])
    distance = (twice_dx**2 + twice_dy**2) / 4
    return iou(first, second) - distance / (hull_width**2 + hull_height**2)


def ciou(first: Box, second: Box) -> float:
    """Return the complete IoU, ``DIoU - alpha v``, in [-1.5, 1]; -1.5 when either has no area.

    ``v = 4 / pi^2 (atan(w1 / h1) - atan(w2 / h2))^2`` is how much the shapes differ and
    ``alpha = v / (1 - IoU + v)`` how much that matters (Zheng et al., 2020, arXiv 1911.08287, Eq. 8, 9 and 11).

    Example:
        >>> round(ciou((0, 0, 10, 10), (0, 0, 20, 5)), 6)
        0.252987
    """
    if not area(first) or not area(second):
        return -1.5
    first_angle = math.atan2(first[2] - first[0], first[3] - first[1])
    second_angle = math.atan2(second[2] - second[0], second[3] - second[1])
    v = 4 / math.pi**2 * (first_angle - second_angle) ** 2
    alpha = v / (1 - iou(first, second) + v) if v > 0 else 0.0
    return diou(first, second) - alpha * v


def l1_similarity(first: Box, second: Box, extent: tuple[float, float]) -> float:
    """Return one minus the mean absolute difference of the four coordinates, each as a share of its axis, in [0, 1].

    Args:
        first: A box inside the extent.
        second: Another.
        extent: Upper ends of the coordinates, ``(x, y)``; their lower ends are 0.

    Example:
        >>> l1_similarity((0, 0, 500, 500), (0, 0, 1000, 500), extent=(1000, 1000))
        0.875
    """
    along_x = (abs(first[0] - second[0]) + abs(first[2] - second[2])) / extent[0]
    along_y = (abs(first[1] - second[1]) + abs(first[3] - second[3])) / extent[1]
    return 1 - (along_x + along_y) / 4


def match_greedy(predictions: Sequence[Box], truths: Sequence[Box], threshold: float) -> list[tuple[int | None, float]]:
    """Give each prediction, in the given order, the best truth that is still free.

    The order is the caller's: sort by confidence first for the matching of the paper and of COCO. Of truths that a
    prediction overlaps equally it takes the last, as COCO's evaluation does.

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
    free = [(index, *truth, area(truth)) for index, truth in enumerate(truths) if area(truth)]
    matches: list[tuple[int | None, float]] = []
    for prediction in predictions:
        best, best_iou = None, 0.0
        px1, py1, px2, py2 = prediction
        predicted_area = area(prediction)
        for truth in free if predicted_area else ():
            # As in `iou`, in place: a flood of 300 boxes against 100 objects asks 30000 times.
            _, x1, y1, x2, y2, true_area = truth
            if x1 >= px2 or px1 >= x2 or y1 >= py2 or py1 >= y2:
                continue
            width = (x2 if x2 < px2 else px2) - (x1 if x1 > px1 else px1)
            height = (y2 if y2 < py2 else py2) - (y1 if y1 > py1 else py1)
            intersection = width * height
            overlap = intersection / (predicted_area + true_area - intersection)
            if overlap >= threshold and overlap >= best_iou:
                best, best_iou = truth, overlap
        if best is None:
            matches.append((None, 0.0))
        else:
            free.remove(best)
            matches.append((best[0], best_iou))
    return matches


def giou_similarity(first: Box, second: Box) -> float:
    """Return ``(GIoU + 1) / 2``, in [0, 1]."""
    return (giou(first, second) + 1) / 2


def diou_similarity(first: Box, second: Box) -> float:
    """Return ``(DIoU + 1) / 2``, in [0, 1]."""
    return (diou(first, second) + 1) / 2


def ciou_similarity(first: Box, second: Box) -> float:
    """Return ``(CIoU + 1.5) / 2.5``, in [0, 1]."""
    return (ciou(first, second) + 1.5) / 2.5
