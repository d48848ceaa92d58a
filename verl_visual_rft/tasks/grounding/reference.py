# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The published code's reward for grounding (``grpo_lisa.py``), bug for bug; see `published_code`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.grounding.truth import GroundingTruth
from verl_visual_rft.tasks.published_code import (
    WRONG_ANSWER,
    SymbolicCheck,
    answer_text,
    has_published_format,
    published_total,
)

_CORNERS = re.compile(r"\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*,\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)")


class Reference(SymbolicCheck):
    """The published code, bug for bug; for comparison only, it is easily gamed.

    It has no bounds: GIoU is taken of inverted and distant boxes as they are.
    """

    weights = {"accuracy": 1.0, "format": 1.0}

    def __call__(self, response: str, truth: GroundingTruth) -> dict[str, float]:
        """Score a grounding response: ``score = accuracy + format`` (grpo_lisa.py).

        - ``accuracy``: GIoU + 1, 0 without a box ``(x1,y1),(x2,y2)`` of integers; 1 if the symbolic check fires. Not
          bounded: corners are taken as they come, and of several boxes the first corners of the first two.
        - ``format``: 1 if the whole response is think tags, then answer tags, with no white space around them.
        - ``nan``: 1 where the published code yields NaN or infinity; accuracy is 0 here.

        Raises:
            UserError: The question may mean nothing or several boxes. The published code takes the first corners of the
                first two boxes for one box, which teaches nonsense.
        """
        if truth.any_number:
            raise UserError(
                "the reward 'reference' is the published code, which knows one box an instruction; this row has "
                f"{len(truth.boxes)} under 'boxes': use 'robust' or 'paper'"
            )
        if self.passes_symbolic_check(response, truth.solution):
            accuracy = 1.0
        else:
            accuracy = _grounding_accuracy(response, truth.solution)
        return published_total({"accuracy": accuracy, "format": has_published_format(response)}, may_be_nan=True)


def _grounding_accuracy(response: str, solution: str) -> float:
    answer, expected = answer_text(response, across_lines=True), answer_text(solution)
    if answer == expected:
        return 2.0
    try:
        return _giou(_corners(expected), _corners(answer)) + 1
    except WRONG_ANSWER:  # no box found, or numbers too large for a float
        return 0.0


def _corners(text: str) -> list[tuple[float, float]]:
    """Return the first corners of all boxes, then the second corners of all, by 1000.

    The first two are taken as a box, which with two boxes or more are both first corners.
    """
    boxes = [tuple(int(number) / 1000 for number in match.groups()) for match in _CORNERS.finditer(text)]
    return [(box[0], box[1]) for box in boxes] + [(box[2], box[3]) for box in boxes]


def _giou(truth: Sequence[tuple[float, float]], prediction: Sequence[tuple[float, float]]) -> float:
    """Return the GIoU of corners as they come: an inverted box has a hull smaller than its area, or a negative area.

    The hull always has an area, that of the truth at least.
    """
    (truth_x1, truth_y1), (truth_x2, truth_y2) = truth[0], truth[1]
    (x1, y1), (x2, y2) = prediction[0], prediction[1]
    width = max(0, min(truth_x2, x2) - max(truth_x1, x1))
    height = max(0, min(truth_y2, y2) - max(truth_y1, y1))
    union = (truth_x2 - truth_x1) * (truth_y2 - truth_y1) + (x2 - x1) * (y2 - y1) - width * height
    overlap = width * height / union if union > 0 else 0.0
    hull = (max(truth_x2, x2) - min(truth_x1, x1)) * (max(truth_y2, y2) - min(truth_y1, y1))
    return overlap - (hull - union) / hull
