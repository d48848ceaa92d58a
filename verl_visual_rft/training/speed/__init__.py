# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a step of veRL does twice, or token by token, done once: the losses stay what they are."""
