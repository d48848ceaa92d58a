# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The ``visual-rft`` command."""

from verl_visual_rft.cli.app import app, main

__all__ = ["app", "main"]
