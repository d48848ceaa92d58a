# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The same reward as a plain veRL reward function, for the run that compares with and without the plug-in."""

from verl_visual_rft.rewards import score


def compute_score(data_source, solution_str, ground_truth, extra_info, **kwargs):
    return score("detection", solution_str, ground_truth, reward="robust")
