# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Write the embedded shapes dataset in COCO layout: python data_prep/shapes.py --out DIR [--train N] [--val N]."""

import argparse
import sys
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.shapes import BASE, NOVEL, write_shapes
from verl_visual_rft.terminal import say


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Write the embedded dataset of coloured shapes in COCO layout.",
        epilog=f"base categories: {', '.join(BASE)}; novel: {', '.join(NOVEL)}",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write: annotations/, train/, val/")
    parser.add_argument("--train", type=int, default=256, help="training pictures (default 256)")
    parser.add_argument("--val", type=int, default=256, help="validation pictures (default 256)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same bytes (default 0)")
    options = parser.parse_args()
    try:
        write_shapes(options.out, options.train, options.val, options.seed)
    except UserError as error:
        sys.exit(f"shapes.py: error: {error}")
    say(f"{options.out}: {options.train} training and {options.val} validation pictures")


if __name__ == "__main__":
    main()
