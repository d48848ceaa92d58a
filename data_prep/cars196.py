#!/usr/bin/env python3
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Prepare Stanford Cars for Visual-RFT: which of 196 models a picture shows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verl_visual_rft.datasets.arguments import add_arguments, run
from verl_visual_rft.datasets.classification import add_sampler_argument, add_split_arguments, prepare_classification
from verl_visual_rft.datasets.readers.cars196 import LAYOUT, read_cars196

EPILOG = f"""\
layout of --root (the original host is gone; copies: https://github.com/pytorch/vision/issues/7545):
{LAYOUT}

gives in --out:
  train.parquet  sft_train.parquet  val.parquet (not with --split official)  test.parquet  manifest.json

example, 4 pictures of each class to train on, and the paper's 8041 to test (its own draw is not published):
  python data_prep/cars196.py --root CARS --out data/cars196_4shot --shots 4 --seed 1
"""


def main() -> None:
    """Prepare the folder and print a summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder in the layout below")
    add_split_arguments(parser)
    add_sampler_argument(parser)
    add_arguments(parser, shots=True)
    args = parser.parse_args()
    splits = read_cars196(args.root, args.split, args.split_file)
    prepare_classification(args, splits, "cars196", {"split": args.split})


if __name__ == "__main__":
    sys.exit(run(main))
