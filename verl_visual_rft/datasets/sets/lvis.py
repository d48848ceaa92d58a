# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""LVIS v1: detection of the paper's rare categories."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.arguments import add_arguments, add_negatives, add_root, options_of
from verl_visual_rft.datasets.category_lists import parse_category_list
from verl_visual_rft.datasets.coco_reading import add_reading_arguments, reading_of
from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.datasets.detection import evaluated_placements, without_left_out
from verl_visual_rft.datasets.existence_map import read_existence_map
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.prepare import prepare
from verl_visual_rft.datasets.readers.lvis import (
    LvisDataset,
    LvisQuestions,
    claimed_questions,
    evaluation_questions,
    federated_annotations,
    find_annotations,
    load_lvis,
    training_questions,
)
from verl_visual_rft.datasets.skips import Mend
from verl_visual_rft.datasets.tally import Kept
from verl_visual_rft.errors import UserError

_EPILOG = """\
layout of --root (annotations: https://www.lvisdataset.org/dataset; pictures, those of COCO 2017:
https://cocodataset.org/#download):
  annotations/lvis_v1_train.json  annotations/lvis_v1_val.json     (or both in the root itself)
  train2017/  val2017/
Most of LVIS's validation pictures lie in train2017/. Version 0.5, whose categories have other ids, is refused.

gives in --out:
  train.parquet  sft_train.parquet  (few-shot)
  val.parquet  val_annotations.json  manifest.json
val_annotations.json is LVIS's own format (neg_category_ids, not_exhaustive_category_ids), for its federated evaluation.

examples:
  # the paper's few-shot setting: six rare categories, all their training pictures (10 at most: 49 rows)
  $command --root LVIS --out data/lvis_6 --shots 10

  # the 13 rare categories on which the paper evaluates a model trained on COCO
  $command --root LVIS --out data/lvis_13 --setting open-vocabulary
"""

_CATEGORIES = {"few-shot": "lvis-fewshot6", "open-vocabulary": "lvis-novel13"}


def _prepare(args: argparse.Namespace) -> Manifest:
    options = options_of(args)
    names = parse_category_list(args.categories or _CATEGORIES[args.setting])

    parts: dict[str, LvisQuestions] = {}
    mends: tuple[Mend, ...] = ()
    if args.setting == "few-shot":
        train = load_lvis(find_annotations(args.root, "train"), args.root, reading_of(args))
        mends = train.coco.mends
        parts["train"] = training_questions(train, args.root, names, options.shots, options.seed, args.negatives)
    elif args.negatives:
        raise UserError("--negatives is a share of training rows, and --setting open-vocabulary has none; leave it out")
    val = load_lvis(find_annotations(args.root, "val"), args.root, reading_of(args))
    parts["val"] = _validation(val, names, args)

    def companions(kept: Mapping[str, Kept]) -> Mapping[str, Any]:
        asked = parts["val"]
        placements = evaluated_placements(kept["val"], val.coco, asked.images, asked.questions)
        truth = federated_annotations(val, names, placements)
        return {"val_annotations.json": without_left_out(truth, kept["val"], asked.questions, asked.broken)}

    return prepare(
        args.out,
        {split: part.questions for split, part in parts.items()},
        options,
        "lvis",
        sources=[*(part.source for part in parts.values()), *filter(None, [args.val_pairs])],
        skips=[skip for part in parts.values() for skip in part.skips],
        details={
            "categories": {"base": names if "train" in parts else (), "novel": () if "train" in parts else names},
            "selection": {
                "setting": args.setting,
                "negatives": args.negatives,
                "val_questions": None if args.val_pairs else args.val_questions,
                "val_pairs": args.val_pairs and args.val_pairs.name,
            },
        },
        companions=companions,
        mends=(*mends, *val.coco.mends),
    )


def _validation(val: LvisDataset, names: Sequence[str], args: argparse.Namespace) -> LvisQuestions:
    if args.val_pairs is not None:
        return claimed_questions(val, args.root, names, read_existence_map(args.val_pairs))
    return evaluation_questions(val, args.root, names, args.val_questions == "verified")


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_root(parser)
    parser.add_argument(
        "--setting",
        choices=sorted(_CATEGORIES),
        default="few-shot",
        help="few-shot: train and evaluate; open-vocabulary: evaluate only (default: few-shot)",
    )
    parser.add_argument(
        "--categories",
        metavar="LIST",
        help="NAME,NAME,... or @FILE or a built-in list (default: "
        + "; ".join(f"{name} for {setting}" for setting, name in _CATEGORIES.items())
        + ")",
    )
    add_negatives(parser)
    validation = parser.add_mutually_exclusive_group()
    validation.add_argument(
        "--val-questions",
        choices=("present", "verified"),
        default="present",
        help="present: pictures that show the category, as the paper; verified: also those where LVIS looked for it "
        "and it is absent, which together are all that LVIS's AP looks at (default: present)",
    )
    validation.add_argument(
        "--val-pairs",
        type=Path,
        metavar="MAP",
        help="instead: the (image, category) pairs that an existence map calls present, as the published evaluation "
        "does with exist_map_lvis_*.json; pairs that LVIS's AP does not look at are left out and counted",
    )
    add_reading_arguments(parser)
    add_arguments(parser, shots=True)


DATA_SET = DataSet(
    title="LVIS v1",
    content="detection of the paper's rare categories",
    task="detection",
    epilog=_EPILOG,
    add_options=_add_options,
    prepare=_prepare,
)
