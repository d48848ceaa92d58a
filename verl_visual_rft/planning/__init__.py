# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a training will need, computed before it starts: its settings checked, its memory and time estimated.

Nothing here imports torch, Ray or vLLM: every start of a recipe waits for the checks.
"""
