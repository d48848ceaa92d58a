#!/usr/bin/env python3
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Prepare Flowers102 for Visual-RFT: which of 102 species a picture shows."""

from __future__ import annotations

import sys

from verl_visual_rft.datasets.arguments import run
from verl_visual_rft.datasets.classification import prepare_resplit_dataset
from verl_visual_rft.datasets.readers.flowers102 import LAYOUT, read_flowers102

EPILOG = f"""\
layout of --root (https://www.robots.ox.ac.uk/~vgg/data/flowers/102/):
{LAYOUT}

gives in --out:
  train.parquet  sft_train.parquet  val.parquet  test.parquet  manifest.json

example, 4 pictures of each class to train on, and the paper's 2463 to test (its own draw is not published):
  python data_prep/flowers102.py --root FLOWERS --out data/flowers102_4shot --shots 4 --seed 1
"""


def main() -> None:
    """Prepare the folder and print a summary."""
    prepare_resplit_dataset(__doc__, EPILOG, "flowers102", read_flowers102)


if __name__ == "__main__":
    sys.exit(run(main))
