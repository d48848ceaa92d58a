# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Grounding: the box that an instruction means, which may need reasoning to be found (paper, section 4.4).

A question may also be of any number: it asks for all that the instruction means, which may be nothing.
"""

from __future__ import annotations

from verl_visual_rft.tasks.grounding.answer import GroundingAnswer, parse_grounding
from verl_visual_rft.tasks.grounding.truth import GroundingTruth

__all__ = ["GroundingAnswer", "GroundingTruth", "parse_grounding"]
