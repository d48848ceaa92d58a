#!/usr/bin/env python3
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Prepare FGVC-Aircraft for Visual-RFT: which of 100 variants a picture shows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verl_visual_rft.datasets.arguments import add_arguments, run
from verl_visual_rft.datasets.classification import add_sampler_argument, prepare_classification
from verl_visual_rft.datasets.readers.fgvc_aircraft import LAYOUT, read_fgvc_aircraft

EPILOG = f"""\
layout of --root (https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/):
{LAYOUT}
or the same without data/, as CoOp arranges it

gives in --out:
  train.parquet  sft_train.parquet  val.parquet  test.parquet  manifest.json

example, 4 pictures of each class to train on, and the paper's 3333 to test (its own draw is not published):
  python data_prep/fgvc_aircraft.py --root AIRCRAFT --out data/fgvc_aircraft_4shot --shots 4 --seed 1
"""


def main() -> None:
    """Prepare the folder and print a summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder in the layout below")
    parser.add_argument(
        "--crop-banner",
        action="store_true",
        help="cut the credit of 20 pixels off the bottom (default: keep it, as the paper's rows do)",
    )
    add_sampler_argument(parser)
    add_arguments(parser, shots=True)
    args = parser.parse_args()
    splits = read_fgvc_aircraft(args.root, args.crop_banner)
    prepare_classification(args, splits, "fgvc_aircraft", {"crop_banner": args.crop_banner})


if __name__ == "__main__":
    sys.exit(run(main))
