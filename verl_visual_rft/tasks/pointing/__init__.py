# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pointing: points on what an instruction means, as in clicks on a user interface or pointing at parts."""

from __future__ import annotations

from verl_visual_rft.tasks.pointing.answer import PointingAnswer, parse_pointing
from verl_visual_rft.tasks.pointing.truth import PointingTruth

__all__ = ["PointingAnswer", "PointingTruth", "parse_pointing"]
