# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to numbers and pictures: predictions, metrics of each task, training curves, the report."""
