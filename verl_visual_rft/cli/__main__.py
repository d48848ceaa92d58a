# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m verl_visual_rft.cli``: the command, where its script is not on the path."""

from verl_visual_rft.cli.app import main

if __name__ == "__main__":
    main()
