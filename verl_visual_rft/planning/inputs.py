# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a run finds before it starts, refused where it does not fit: GPUs, prepared data, checkpoints."""

from __future__ import annotations
