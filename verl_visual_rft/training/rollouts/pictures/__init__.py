# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A picture is processed, stored and seen by the vision tower once, for all rollouts that are about it."""
