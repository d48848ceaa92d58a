# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The contestants of the audit: for each task an honest policy of three skills, and those that cheat."""

from __future__ import annotations

from collections.abc import Mapping

from verl_visual_rft.rewards.audit.policies import classification, detection, grounding
from verl_visual_rft.rewards.audit.policies.policy import Policy, unasked_reasoning

__all__ = ["CHEATS", "HONEST", "SKILLS", "UNASKED", "Policy"]

#: How well an honest policy sees: as a model before its training, in the middle of it, and after it.
SKILLS = ("weak", "moderate", "strong")

#: By task: answers as well as its question's skill allows; moderate where the question does not say.
HONEST: Mapping[str, Policy] = {
    "detection": detection.HONEST,
    "classification": classification.HONEST,
    "grounding": grounding.HONEST,
}

#: By task: constant, degenerate and dishonest policies.
CHEATS: Mapping[str, tuple[Policy, ...]] = {
    "detection": detection.CHEATS,
    "classification": classification.CHEATS,
    "grounding": grounding.CHEATS,
}

#: By task: further cheats where the prompt asks for the answer alone.
UNASKED: Mapping[str, tuple[Policy, ...]] = {
    "detection": unasked_reasoning(detection.honest),
    "classification": unasked_reasoning(classification.honest),
    "grounding": unasked_reasoning(grounding.honest),
}
