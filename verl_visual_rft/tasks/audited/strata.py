# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of questions about boxes, by their size."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from verl_visual_rft.boxes import Box, area

SMALL, LARGE = "small objects", "large objects"

#: Share of the picture from which an object is large: COCO's 96 x 96 pixels of 640 x 480.
LARGE_AREA = 0.03


def size_of(boxes: Sequence[Box], extent: tuple[float, float]) -> str:
    """Return the kind of a question about these boxes, of which there is one at least: their mean area decides."""
    return LARGE if fmean(map(area, boxes)) >= LARGE_AREA * extent[0] * extent[1] else SMALL
