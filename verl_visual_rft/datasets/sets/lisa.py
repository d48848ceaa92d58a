# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""ReasonSeg (LISA): the box that an instruction means, and masks for gIoU."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.datasets.arguments import add_arguments, add_root, options_of
from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.prepare import prepare
from verl_visual_rft.datasets.readers.masks import encode_masks, require_opencv
from verl_visual_rft.datasets.readers.reasonseg import (
    BOX_RULES,
    MASK_RULES,
    SPLITS,
    questions_about,
    read_reasonseg,
)

_EPILOG = """\
layout of --root, the folder ReasonSeg of https://github.com/dvlab-research/LISA#dataset:
  train/NAME.jpg  train/NAME.json   (239 pictures)
  val/NAME.jpg    val/NAME.json     (200)
  test/NAME.jpg   test/NAME.json    (779)

gives in --out:
  train.parquet  sft_train.parquet  one row for each wording of an instruction (1326)
  val.parquet  test.parquet         one row for each picture: its first wording
  masks/val/NAME.png  masks/test/NAME.png   0 background, 1 target, 255 to be ignored, as LISA draws them;
                                            with --boxes first, of the first polygon alone
  manifest.json

example:
  $command --root ReasonSeg --out data/lisa
"""


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_root(parser)
    parser.add_argument(
        "--boxes",
        choices=sorted(BOX_RULES),
        default="union",
        help="union: around all target polygons; first: around the first polygon whatever its label, as the paper's "
        "code does, which takes part of the object, or something else, in some pictures (default: union)",
    )
    add_arguments(parser, shots=False)


def _prepare(args: argparse.Namespace) -> Manifest:
    options = options_of(args)
    require_opencv()
    data = read_reasonseg(args.root)

    questions, skips = {}, [*data.skips]
    for split in SPLITS:
        questions[split], left_out = questions_about(data.items[split], args.boxes, every_wording=split == "train")
        skips += left_out

    def draw_masks(kept: Mapping[str, Mapping[str, Placement]]) -> Mapping[str, bytes]:
        wanted = {
            f"masks/{split}/{item.picture.id}.png": (
                MASK_RULES[args.boxes](item.polygons),
                kept[split][item.picture.id].size,
            )
            for split in ("val", "test")
            for item in data.items[split]
            if item.picture.id in kept[split]
        }
        return encode_masks(wanted, options.workers)

    details = {"selection": {"boxes": args.boxes}}
    return prepare(args.out, questions, options, "reasonseg", data.sources, skips, details, draw_masks)


DATA_SET = DataSet(
    title="ReasonSeg (LISA)",
    content="the box that an instruction means, and masks for gIoU",
    task="grounding",
    epilog=_EPILOG,
    add_options=_add_options,
    prepare=_prepare,
)
