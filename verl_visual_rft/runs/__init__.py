# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's experiments and the quick start, as what `recipes/NAME.sh` and `visual-rft run NAME` execute.

Until a run begins, nothing here imports more than Python's own library: a wrong variable is refused, ``--help`` printed
and ``DRY_RUN=1`` obeyed before the environment is installed.
"""
