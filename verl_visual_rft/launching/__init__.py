# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Around veRL: the supervisor of a run, its Ray services and nodes, where it listens, what it leaves behind."""
