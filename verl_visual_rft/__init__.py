# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Visual reinforcement fine-tuning (Visual-RFT, arXiv 2503.01785) as a plug-in for veRL."""

__version__ = "0.1.0"
