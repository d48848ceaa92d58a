# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is true of a detection question: the boxes of one category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.detection.answer import parse_detection
from verl_visual_rft.tasks.marks import Mark, box_mark
from verl_visual_rft.tasks.reading import plain, read_box, read_extent, read_list, read_think, unreadable
from verl_visual_rft.tasks.task import Truth

TRUTH_FORM = 'give {"boxes": [[x1, y1, x2, y2], ...]}'


@dataclass(frozen=True)
class DetectionTruth(Truth):
    """The boxes of one category.

    Attributes:
        boxes: ``(x1, y1, x2, y2)`` in the answer's coordinates; none means that the object is absent.
        extent: Upper ends of the answer's coordinates, ``(x, y)``.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    boxes: tuple[Box, ...]
    extent: tuple[float, float] = EXTENT
    think: bool = True

    @property
    def solution(self) -> str:
        """The truth in the notation of the published rows."""
        if not self.boxes:
            return "<answer>No Objects</answer>"
        listed = ", ".join(f"{{'Position': [{', '.join(map(plain, box))}], 'Confidence': 1}}" for box in self.boxes)
        return f"<answer>[{listed}]</answer>"

    @property
    def is_negative(self) -> bool:
        """Whether nothing is there."""
        return not self.boxes

    @property
    def claim(self) -> tuple[Box, ...]:
        """Its boxes in whatever order they are listed."""
        return tuple(sorted(self.boxes))

    def marks(self) -> tuple[Mark, ...]:
        """Return its boxes."""
        return tuple(map(box_mark, self.boxes))


def read_detection(content: Mapping[str, Any]) -> DetectionTruth:
    """Read ``{"boxes": [[x1, y1, x2, y2], ...]}``; no boxes = no objects.

    Raises:
        UserError: There is no list of boxes, or one is inverted or out of range.
    """
    boxes = read_list(content, "boxes", TRUTH_FORM)
    extent = read_extent(content, TRUTH_FORM)
    return DetectionTruth(
        tuple(read_box(box, extent, TRUTH_FORM) for box in boxes), extent, read_think(content, TRUTH_FORM)
    )


def read_detection_solution(text: str) -> DetectionTruth:
    """Read a published solution.

    Raises:
        UserError: It is none.
    """
    answer = parse_detection(text)
    if not answer.is_as_asked:
        raise unreadable(text, f"is no published solution: {answer.reason}", TRUTH_FORM)
    return DetectionTruth(tuple(detection.box for detection in answer.detections))
