#!/usr/bin/env python3
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The same as ``visual-rft data prepare shapes``; --help shows its options."""

import sys

from verl_visual_rft.datasets.commands import run_script

if __name__ == "__main__":
    sys.exit(run_script("shapes"))
