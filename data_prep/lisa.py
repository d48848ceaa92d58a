#!/usr/bin/env python3
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The same as ``visual-rft data prepare lisa``; --help says where the originals come from."""

import sys

from verl_visual_rft.datasets.commands import run_script

if __name__ == "__main__":
    sys.exit(run_script("lisa"))
