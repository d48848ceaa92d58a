# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a run: figures of each step, metrics of the task, sample rollouts, warnings, curves."""
