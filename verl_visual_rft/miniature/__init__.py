# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that is small on purpose: drawn data sets, tiny models and their pretraining."""
