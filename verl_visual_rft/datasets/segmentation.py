# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The box around a COCO segmentation: polygons, or run lengths that are written as numbers or packed into a text."""

from __future__ import annotations

from typing import Any

from verl_visual_rft.input_files import is_finite_number

_MOST_BITS = 60  # of a packed number


#: The key under which `box_around` is kept until it is known whether the annotation has a box of its own.
DRAWN = "box around the segmentation"


def box_around(segmentation: Any) -> list[float] | None:
    """Return ``[x, y, width, height]`` around a segmentation; None where it is empty or of another form.

    Example:
        >>> box_around([[10, 5, 40, 5, 40, 25], [2, 8, 4, 8, 4, 9]])
        [2, 5, 38, 20]
        >>> box_around({"size": [3, 4], "counts": [4, 2, 1, 2, 3]})
        [1, 1, 2, 2]
        >>> box_around({"size": [3, 4], "counts": "422O1"})
        [1, 1, 2, 2]
    """
    if isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        return _around_runs(segmentation.get("size"), _unpacked(counts) if isinstance(counts, str) else counts)
    if not isinstance(segmentation, list) or not all(isinstance(polygon, list) for polygon in segmentation):
        return None
    xs = [x for polygon in segmentation for x in polygon[0::2]]
    ys = [y for polygon in segmentation for y in polygon[1::2]]
    if len(xs) != len(ys) or not xs or not all(map(is_finite_number, (*xs, *ys))):
        return None
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _unpacked(text: str) -> list[int] | None:
    """Return the run lengths of a text as pycocotools packs them (``rleToString``); None if it is none.

    A number is written five bits a character, the lowest first; from the fourth on it is the difference to the number
    before the last.
    """
    counts: list[int] = []
    number = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > _MOST_BITS:
            return None
        number |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            number -= (bits & 0x10) << (shift - 4)  # the sign
            counts.append(number + (counts[-2] if len(counts) > 2 else 0))
            number = shift = 0
    return counts


def _around_runs(size: Any, counts: Any) -> list[float] | None:
    """Runs of zeros and ones by turns, down the columns of a mask of ``[height, width]``."""
    if not isinstance(size, list) or not isinstance(counts, list) or len(size) != 2:
        return None
    if not all(type(value) is int and value >= 0 for value in (*size, *counts)) or not size[0]:
        return None
    height, start = size[0], 0
    columns: list[int] = []
    rows: list[int] = []
    for number, count in enumerate(counts):
        if number % 2 and count:
            first, last = start, start + count - 1
            columns += (first // height, last // height)
            # A run over the end of a column holds the mask's lowest row and its highest.
            rows += (first % height, last % height) if columns[-1] == columns[-2] else (0, height - 1)
        start += count
    if not columns:
        return None
    x, y = min(columns), min(rows)
    return [x, y, max(columns) - x + 1, max(rows) - y + 1]
