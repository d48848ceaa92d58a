# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Counting: how many objects of a category are in the picture."""

from __future__ import annotations

from verl_visual_rft.tasks.counting.answer import CountingAnswer, parse_counting
from verl_visual_rft.tasks.counting.truth import CountingTruth

__all__ = ["CountingAnswer", "CountingTruth", "parse_counting"]
