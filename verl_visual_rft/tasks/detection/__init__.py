# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Detection: every object of one category in a picture, as boxes with a confidence (paper, section 3.2)."""

from __future__ import annotations

from verl_visual_rft.tasks.detection.answer import Detection, DetectionAnswer, parse_detection
from verl_visual_rft.tasks.detection.truth import DetectionTruth

__all__ = ["Detection", "DetectionAnswer", "DetectionTruth", "parse_detection"]
