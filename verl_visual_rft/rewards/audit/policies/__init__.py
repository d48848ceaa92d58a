# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The contestants of the audit: for each task an honest policy of moderate quality, and those that cheat."""

from __future__ import annotations

from collections.abc import Mapping

from verl_visual_rft.rewards.audit.policies import classification, detection, grounding
from verl_visual_rft.rewards.audit.policies.policy import Policy

__all__ = ["CHEATS", "HONEST", "Policy"]

#: By task: answers as well as a model in the middle of its training can.
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
