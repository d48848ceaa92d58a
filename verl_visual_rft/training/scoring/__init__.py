# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards behind veRL's reward loop, in processes that can be given up."""
