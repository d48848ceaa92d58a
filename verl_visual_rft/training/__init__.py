# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What runs inside veRL: reward manager, trainer, CPU platform, fixes of veRL defects, and the configuration."""
