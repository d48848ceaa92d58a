# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The one parser: response text in, typed answer out, for training and evaluation alike."""

from __future__ import annotations

from verl_visual_rft.answers.answer import EXTENT, Answer, Outcome
from verl_visual_rft.answers.classification import ClassificationAnswer, parse_classification
from verl_visual_rft.answers.detection import Detection, DetectionAnswer, parse_detection
from verl_visual_rft.answers.grounding import GroundingAnswer, parse_grounding

__all__ = [
    "EXTENT",
    "Answer",
    "ClassificationAnswer",
    "Detection",
    "DetectionAnswer",
    "GroundingAnswer",
    "Outcome",
    "parse_classification",
    "parse_detection",
    "parse_grounding",
]
