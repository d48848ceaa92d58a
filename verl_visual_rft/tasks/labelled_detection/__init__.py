# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Labelled detection: every object of several categories in one prompt, as boxes with a label.

It is the protocol of COCO in one prompt, ODinW and Roboflow20-VL; answers are in the notation of Qwen-VL models.
"""

from __future__ import annotations

from verl_visual_rft.tasks.labelled_detection.answer import LabelledAnswer, LabelledBox, parse_labelled
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth

__all__ = ["LabelledAnswer", "LabelledBox", "LabelledTruth", "parse_labelled"]
