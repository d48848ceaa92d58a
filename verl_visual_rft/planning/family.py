# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Say which family a model is of, for the shell: ``python -m verl_visual_rft.planning.family MODEL``."""

from __future__ import annotations

import argparse
import sys

from verl_visual_rft.datasets.arguments import run
from verl_visual_rft.planning.models import family_of, load_config


def main() -> None:
    """Print the family."""
    parser = argparse.ArgumentParser(
        prog="python -m verl_visual_rft.planning.family", description="Print the family of a Qwen-VL model."
    )
    parser.add_argument("model", metavar="MODEL", help="folder, or name on the Hugging Face hub")
    name = parser.parse_args().model
    print(family_of(name, load_config(name)))


if __name__ == "__main__":
    sys.exit(run(main))
