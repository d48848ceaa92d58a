# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One object that is boxed twice: a reward would pay for giving it twice."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TypeVar

from verl_visual_rft.boxes import Box, iou

_Cell = tuple[int, int]
_Content = TypeVar("_Content")

#: The rule under which what is dropped is counted.
DOUBLED = "box annotated twice"

_LEAST_IOU = 0.9
_NEIGHBOURS = tuple(product((-1, 0, 1), repeat=2))
_MOST_IN_A_CELL = 8  # boxes that are not one and have all corners in the same pixels: specks, no objects


def doubled_boxes(boxes: Mapping[int, Box]) -> set[int]:
    """Return the keys of boxes, of one category in one picture, whose object has a box of a smaller key already.

    Two boxes are of one object when all their corners are within a pixel and they overlap by an IoU of 0.9: small
    objects side by side are two. Time is linear in the number of boxes.

    Example:
        >>> doubled_boxes({1: (0, 0, 50, 40), 2: (0.4, 0, 50, 40), 3: (0, 0, 50, 90)})
        {2}
    """
    kept: dict[_Cell, dict[_Cell, list[Box]]] = {}  # by the pixels of the corners
    doubled: set[int] = set()
    for key in sorted(boxes):
        x1, y1, x2, y2 = box = boxes[key]
        start, end = (int(x1), int(y1)), (int(x2), int(y2))
        if any(_are_one(box, other) for ends in _around(kept, start) for near in _around(ends, end) for other in near):
            doubled.add(key)
            continue
        ends = kept.setdefault(start, {})
        if len(alike := ends.setdefault(end, [])) < _MOST_IN_A_CELL:
            alike.append(box)
    return doubled


def _around(cells: Mapping[_Cell, _Content], cell: _Cell) -> list[_Content]:
    x, y = cell
    return [cells[x + dx, y + dy] for dx, dy in _NEIGHBOURS if (x + dx, y + dy) in cells]


def _are_one(box: Box, other: Box) -> bool:
    return all(abs(a - b) <= 1 for a, b in zip(box, other, strict=True)) and iou(box, other) >= _LEAST_IOU
