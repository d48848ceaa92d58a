# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of veRL's SFT trainer, which all its ranks write and read together."""

from __future__ import annotations



