# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that are whole or not there, of veRL's GRPO and SFT trainers."""
