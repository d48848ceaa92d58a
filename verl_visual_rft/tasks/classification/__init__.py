# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Classification: the class of a picture, among names that are hard to tell apart (paper, section 3.2)."""

from __future__ import annotations

from verl_visual_rft.tasks.classification.answer import ClassificationAnswer, parse_classification
from verl_visual_rft.tasks.classification.truth import ClassificationTruth

__all__ = ["ClassificationAnswer", "ClassificationTruth", "parse_classification"]
