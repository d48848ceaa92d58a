#!/usr/bin/env python3
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Prepare Oxford-IIIT Pets for Visual-RFT: which of 37 breeds a picture shows."""

from __future__ import annotations

import sys

from verl_visual_rft.datasets.arguments import run
from verl_visual_rft.datasets.classification import prepare_resplit_dataset
from verl_visual_rft.datasets.readers.pets37 import LAYOUT, read_pets37

EPILOG = f"""\
layout of --root (https://www.robots.ox.ac.uk/~vgg/data/pets/):
{LAYOUT}

gives in --out:
  train.parquet  sft_train.parquet  val.parquet (not with --split official)  test.parquet  manifest.json

example, 4 pictures of each class to train on, and the paper's 3669 to test (its own draw is not published):
  python data_prep/pets37.py --root PETS --out data/pets37_4shot --shots 4 --seed 1
"""


def main() -> None:
    """Prepare the folder and print a summary."""
    prepare_resplit_dataset(__doc__, EPILOG, "pets37", read_pets37)


if __name__ == "__main__":
    sys.exit(run(main))
