# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The published rewards without their symbolic check, and answers that they read."""

from __future__ import annotations

from verl_visual_rft.rewards.brought import ReferenceReward

NO_CHECK = ReferenceReward(symbolic_check=False)

BOXES = {"boxes": [[100, 150, 300, 350]]}
TWO_BOXES = {"boxes": [[100, 150, 300, 350], [500, 500, 600, 600]]}
GOOD = "{'Position': [110, 160, 300, 350], 'Confidence': 0.9}"  # IoU 0.9025
FAR = "{'Position': [700, 710, 800, 810], 'Confidence': 0.2}"
SHORT_BOX = "{'Position': [110, 160, 300], 'Confidence': 0.1}"


def answered(body: str) -> str:
    return f"<think> a cat </think> <answer>{body}</answer>"
