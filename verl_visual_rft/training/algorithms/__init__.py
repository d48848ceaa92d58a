# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the published training needs and veRL lacks: advantages, linear decay; and a vision tower that stays frozen."""
