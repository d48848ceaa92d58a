#!/usr/bin/env python3
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Prepare Stanford Cars for Visual-RFT: which of 196 models a picture shows."""

from __future__ import annotations

import sys

from verl_visual_rft.datasets.arguments import run
from verl_visual_rft.datasets.classification import prepare_resplit_dataset
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
    prepare_resplit_dataset(__doc__, EPILOG, "cars196", read_cars196)


if __name__ == "__main__":
    sys.exit(run(main))
