#!/usr/bin/env python3
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Prepare data like the paper's Monster Girls (MG) for Visual-RFT: few-shot detection of five fictional creatures.

The paper's MG pictures and annotations were never published, and nothing names their source. This script takes pictures
of one's own, annotated in COCO layout under the paper's five category names.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verl_visual_rft.datasets.arguments import add_arguments, add_negatives, at_least, options_of, print_summary, run
from verl_visual_rft.datasets.category_lists import MG5
from verl_visual_rft.datasets.coco_layout import find_layout
from verl_visual_rft.datasets.coco_reading import add_reading_arguments, reading_of
from verl_visual_rft.datasets.detection import Selection, prepare_detection

EPILOG = f"""\
layout of --root:
  annotations/instances_train.json  annotations/instances_val.json   COCO's format, with the categories
                                      {", ".join(MG5)}
  train/  val/                        the pictures

gives in --out:
  train.parquet  sft_train.parquet  val.parquet  val_annotations.json  manifest.json

examples, the paper's two settings:
  python data_prep/mg.py --root MG --out data/mg_4shot --shots 4
  python data_prep/mg.py --root MG --out data/mg_16shot --shots 16
"""


def main() -> None:
    """Prepare the folder and print a summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder in the layout below")
    parser.add_argument(
        "--shots", type=at_least(1), required=True, metavar="K", help="training pictures of each category"
    )
    add_negatives(parser)
    add_reading_arguments(parser)
    add_arguments(parser, shots=False)
    args = parser.parse_args()
    selection = Selection(base_categories=MG5, negatives=args.negatives, reading=reading_of(args))
    print_summary(prepare_detection(find_layout(args.root), selection, options_of(args), args.out, "mg"), args.out)


if __name__ == "__main__":
    sys.exit(run(main))
