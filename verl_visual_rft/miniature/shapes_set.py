# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The embedded shapes, written as an original in COCO layout by ``visual-rft data prepare shapes``."""

from __future__ import annotations

import argparse
from pathlib import Path

from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.miniature.shapes import BASE, NOVEL, write_shapes
from verl_visual_rft.terminal import say

_EPILOG = f"""\
base categories: {", ".join(BASE)}
novel: {", ".join(NOVEL)}

gives in --out:
  annotations/instances_train.json  annotations/instances_val.json  train/  val/   for the data set coco

example:
  $command --out data/shapes --train 256 --val 64
"""


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder to write: annotations/, train/, val/"
    )
    parser.add_argument("--train", type=int, default=256, metavar="N", help="training pictures (default 256)")
    parser.add_argument("--val", type=int, default=256, metavar="N", help="validation pictures (default 256)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same bytes (default 0)")


def _write(args: argparse.Namespace) -> None:
    write_shapes(args.out, args.train, args.val, args.seed)
    say(f"{args.out}: {args.train} training and {args.val} validation pictures")


DATA_SET = DataSet(
    title="the embedded dataset of coloured shapes",
    content="drawn from a seed, in COCO layout",
    task="none: coco reads it",
    epilog=_EPILOG,
    add_options=_add_options,
    prepare=_write,
)
