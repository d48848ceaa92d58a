# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Original data sets in, parquet files that veRL can train on out."""
