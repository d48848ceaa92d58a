# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What an update computes, each thing once: the vision tower per picture, log-probabilities in blocks."""
