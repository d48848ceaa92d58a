# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a reward may ask for about one response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from verl_visual_rft.answers import Answer
from verl_visual_rft.truths import Truth


class Sample(NamedTuple):
    """One response and what it is scored against. A reward gets those of the fields that it names as arguments.

    Attributes:
        task: "detection", "classification" or "grounding".
        response: The model's whole response, special tokens left out.
        answer: The parsed response: `DetectionAnswer`, `ClassificationAnswer` or `GroundingAnswer`.
        truth: The typed ground truth: `DetectionTruth`, `ClassificationTruth` or `GroundingTruth`.
        ground_truth: The ground truth as the row has it, JSON text or mapping.
        image_size: ``(width, height)`` of the picture in pixels; None when the row does not say.
        extra_info: The row's ``extra_info`` (image id, category, ...); empty when there is none.
        tau: IoU from which a box is a hit, where the run prescribes it (`curriculum.tau_at`); None: the reward's own.
    """

    task: str
    response: str
    answer: Answer
    truth: Truth
    ground_truth: str | Mapping[str, Any]
    image_size: tuple[int, int] | None
    extra_info: Mapping[str, Any]
    tau: float | None = None
