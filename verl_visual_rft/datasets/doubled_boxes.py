# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One object that is boxed twice: a reward would pay for giving it twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verl_visual_rft.boxes import iou
from verl_visual_rft.coordinates import Box

#: The rule under which what is dropped is counted.
DOUBLED = "box annotated twice"

_PIXEL = 1.0
_LEAST_IOU = 0.9


def doubled_boxes(boxes: Mapping[int, Box]) -> set[int]:
    """Return the keys of boxes whose object has a box of a smaller key already.

    Two boxes are of one object when all their corners are within a pixel and they overlap by an IoU of 0.9: small
    objects side by side are two.

    Args:
        boxes: ``(x1, y1, x2, y2)`` in pixels, of one category in one picture.

    Example:
        >>> doubled_boxes({1: (0, 0, 50, 40), 2: (0.4, 0, 50, 40), 3: (0, 0, 50, 90)})
        {2}
    """
    kept: list[int] = []  # in the order of their left edges
    doubled: set[int] = set()
    for key, box in sorted(boxes.items(), key=lambda item: (item[1][0], item[0])):
        twin = _twin(box, boxes, kept)
        if twin is None:
            kept.append(key)
        else:
            doubled.add(max(key, twin))
            kept[kept.index(twin)] = min(key, twin)
    return doubled


def _twin(box: Box, boxes: Mapping[int, Box], kept: Sequence[int]) -> int | None:
    for key in reversed(kept):
        if box[0] - boxes[key][0] > 2 * _PIXEL:
            return None  # and so is every box further left; twins of twins may have moved an edge by a pixel
        if _are_one(box, boxes[key]):
            return key
    return None


def _are_one(box: Box, other: Box) -> bool:
    return all(abs(a - b) <= _PIXEL for a, b in zip(box, other, strict=True)) and iou(box, other) >= _LEAST_IOU
