# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes over each other, and their overlaps by hand."""

from __future__ import annotations

import math

SIMILARITIES = ("giou", "diou", "ciou", "l1")
ONE = [[100, 100, 300, 300]]
TWO = [[100, 100, 300, 300], [600, 600, 800, 800]]
HALF = [100, 100, 300, 200]  # upper half of the first object: IoU 0.5

# The angles of a square and of one of half its height.
V = 4 / math.pi**2 * (math.atan(2) - math.atan(1)) ** 2
HALF_DIOU = 0.5 - 50**2 / (200**2 + 200**2)
