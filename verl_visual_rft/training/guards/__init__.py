# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What ends a run that cannot go on, at once, with the cause and the rows that it concerns."""
