# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What runs inside veRL: trainer, rollouts, rewards behind its loop, checkpoints, guards, the configuration."""
