# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The data sets that can be prepared, a module each: what its command line takes, and how its originals become rows."""
