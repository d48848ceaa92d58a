#!/usr/bin/env python3
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The same as ``visual-rft data prepare shapes``, but for the status of an error, which is 1 as it always was."""

import sys

from verl_visual_rft.datasets.commands import prepare_data_set
from verl_visual_rft.errors import UserError

if __name__ == "__main__":
    try:
        prepare_data_set("shapes", sys.argv[1:], "python data_prep/shapes.py", "shapes.py")
    except UserError as error:
        sys.exit(f"shapes.py: error: {error}")
