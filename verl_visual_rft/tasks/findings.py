# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is right or wrong with an answer, in words by which pages are filtered."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from verl_visual_rft.boxes import Box, iou, match_greedy

#: IoU from which a box has found an object.
FOUND_IOU = 0.5
#: Between this IoU and `FOUND_IOU` a box is badly placed; below, it is on something else. Both are those of TIDE (Bolya
#: et al., 2020, arXiv 2008.08115, section 2.2).
NEAR_IOU = 0.1


class Finding(str, Enum):
    """One kind of answer; an answer about several objects may be of several."""

    RIGHT = "right"
    """Every object is found and nothing else is answered; the class is right."""
    MISSED = "missed"
    """An object has no box on it, not even a badly placed one."""
    FALSE_ALARM = "false alarm"
    """A box is on nothing, or on an object that a more confident box has found."""
    BADLY_PLACED = "badly placed"
    """A box overlaps an object that no other box found, but too little."""
    WRONG_CLASS = "wrong class"
    """Another class than the label is named, or several."""
    MALFORMED = "malformed"
    """No answer could be read."""


def place(boxes: Sequence[Box], truths: Sequence[Box]) -> set[Finding]:
    """Compare boxes, most confident first, with the objects; nothing is found wrong where all is right."""
    given = match_greedy(boxes, truths, FOUND_IOU)
    found = {index for index, _ in given}
    left = {index: truth for index, truth in enumerate(truths) if index not in found}
    findings: set[Finding] = set()
    touched: set[int] = set()
    for box, (index, _) in zip(boxes, given, strict=True):
        if index is not None:
            continue
        near = {other for other, truth in left.items() if iou(box, truth) >= NEAR_IOU}
        findings.add(Finding.BADLY_PLACED if near else Finding.FALSE_ALARM)
        touched |= near
    if left.keys() - touched:
        findings.add(Finding.MISSED)
    return findings
