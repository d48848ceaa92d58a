# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Data like the paper's Monster Girls (MG): few-shot detection of five fictional creatures."""

from __future__ import annotations

import argparse

from verl_visual_rft.datasets.arguments import add_arguments, add_negatives, add_root, at_least, options_of
from verl_visual_rft.datasets.category_lists import MG5
from verl_visual_rft.datasets.coco_layout import find_layout
from verl_visual_rft.datasets.coco_reading import add_reading_arguments, reading_of
from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.datasets.detection import Selection, prepare_detection
from verl_visual_rft.datasets.manifest import Manifest

_NOTES = """\
The paper's MG pictures and annotations were never published, and nothing names their source. Give pictures of
your own, annotated in COCO layout under the paper's five category names."""

_EPILOG = f"""\
layout of --root:
  annotations/instances_train.json  annotations/instances_val.json   COCO's format, with the categories
                                      {", ".join(MG5)}
  train/  val/                        the pictures

gives in --out:
  train.parquet  sft_train.parquet  val.parquet  val_annotations.json  manifest.json

examples, the paper's two settings:
  $command --root MG --out data/mg_4shot --shots 4
  $command --root MG --out data/mg_16shot --shots 16
"""


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_root(parser)
    parser.add_argument(
        "--shots", type=at_least(1), required=True, metavar="K", help="training pictures of each category"
    )
    add_negatives(parser)
    add_reading_arguments(parser)
    add_arguments(parser, shots=False)


def _prepare(args: argparse.Namespace) -> Manifest:
    selection = Selection(base_categories=MG5, negatives=args.negatives, reading=reading_of(args))
    return prepare_detection(find_layout(args.root), selection, options_of(args), args.out, "mg")


DATA_SET = DataSet(
    title="data like the paper's Monster Girls (MG)",
    content="few-shot detection of five fictional creatures",
    task="detection",
    notes=_NOTES,
    epilog=_EPILOG,
    add_options=_add_options,
    prepare=_prepare,
)
