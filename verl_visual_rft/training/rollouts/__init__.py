# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Responses of the policy: sampled, scored, and handed to the trainer."""
