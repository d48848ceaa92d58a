# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Configuration for veRL's trainers, found through ``pkg://verl_visual_rft.training.config``."""
