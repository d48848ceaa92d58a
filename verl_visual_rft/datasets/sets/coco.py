# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""COCO 2017, the embedded shapes, or a detection data set of one's own in COCO layout."""

from __future__ import annotations

import argparse
from pathlib import Path

from verl_visual_rft.datasets.arguments import add_arguments, add_negatives, at_least, options_of, share
from verl_visual_rft.datasets.category_lists import BUILT_IN, parse_category_list
from verl_visual_rft.datasets.coco_layout import CocoPaths, find_layout
from verl_visual_rft.datasets.coco_reading import add_reading_arguments, reading_of
from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.datasets.detection import Selection, prepare_detection
from verl_visual_rft.datasets.labelled import prepare_labelled
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.errors import UserError

_EPILOG = """\
layout of --root (COCO 2017: https://cocodataset.org/#download):
  annotations/instances_train.json     or  annotations/instances_train2017.json
  annotations/instances_val.json       or  annotations/instances_val2017.json
  train/  val/                         or  train2017/  val2017/

gives in --out:
  train.parquet  sft_train.parquet  val.parquet  val_annotations.json  manifest.json
  (with --labelled val_labelled_annotations.json instead)

examples:
  # the paper's open-vocabulary setting: 6000 rows of 65 base categories, 15 novel ones for evaluation
  $command --root COCO --out data/coco_ov --rows 6000 \\
      --base-categories coco-base65 --novel-categories coco-novel15

  # the paper's few-shot setting: 4 images of each of 8 categories
  $command --root COCO --out data/coco_4shot --shots 4 --base-categories coco-fewshot8

  # the published evaluation: questions about the pairs of its existence map alone
  $command --root COCO --out data/coco_2b --shots 4 --base-categories coco-fewshot8 \\
      --val-pairs exist_map_coco_Qwen2_vl_2B_baseline.json

  # how many there are, a fifth of the questions about what is not there
  $command --root COCO --out data/coco_counting --rows 6000 --counting --negatives 0.2 \\
      --val-negatives 0.2

  # all categories in one prompt, answers with labels (COCO in one prompt, ODinW, Roboflow20-VL): 4 images of each
  $command --labelled --root COCO --out data/coco_labelled --shots 4 --negatives 0.1

  # a few photographs of a larger annotation file
  $command --train-annotations a.json --train-images photos --val-annotations a.json \\
      --val-images photos --out data/some --rows 10 --skip-missing-images
"""


def _prepare(args: argparse.Namespace) -> Manifest:
    selection = _selection(args)
    prepare = prepare_labelled if args.labelled else prepare_detection
    return prepare(_paths(args), selection, options_of(args), args.out)


def _add_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_argument_group("source: --root, or all four files and folders")
    source.add_argument("--root", type=Path, help="folder in the layout below")
    source.add_argument("--train-annotations", type=Path, metavar="FILE")
    source.add_argument("--train-images", type=Path, metavar="DIR")
    source.add_argument("--val-annotations", type=Path, metavar="FILE")
    source.add_argument("--val-images", type=Path, metavar="DIR")
    source.add_argument(
        "--skip-missing-images", action="store_true", help="leave out annotated images without a file, and count them"
    )

    choice = parser.add_argument_group(
        f"questions (a category LIST: NAME,NAME,... or @FILE or {' or '.join(BUILT_IN)})"
    )
    mode = choice.add_mutually_exclusive_group()
    mode.add_argument(
        "--rows", type=at_least(1), metavar="N", help="N (image, base category) rows; with --labelled N images"
    )
    mode.add_argument("--shots", type=at_least(1), metavar="K", help="few-shot: K images of each (base) category")
    choice.add_argument(
        "--labelled",
        action="store_true",
        help="one row an image: all --categories in one prompt, answers with labels; without --rows and --shots every "
        "image that shows one; validation asks about every image",
    )
    choice.add_argument(
        "--categories", metavar="LIST", help="of --labelled: those in the prompt (default: all that are annotated)"
    )
    choice.add_argument(
        "--base-categories", metavar="LIST", help="categories to train on (default: all that are not novel)"
    )
    choice.add_argument("--novel-categories", metavar="LIST", help="categories for evaluation only (default: none)")
    add_negatives(choice)
    choice.add_argument(
        "--val-negatives", type=share, default=0.0, metavar="RATIO", help="the same for validation (default: 0)"
    )
    choice.add_argument(
        "--counting",
        action="store_true",
        help="ask how many there are, not where: the number of boxes; pictures with a crowd of the category are left "
        "out, in validation too",
    )
    choice.add_argument(
        "--val-pairs",
        type=Path,
        metavar="MAP",
        help="validate on the (image, category) pairs that an existence map calls present, as the published evaluation "
        "does with exist_map_coco_*.json (default: on those that show the category)",
    )
    choice.add_argument(
        "--max-val-images", type=at_least(1), metavar="N", help="draw N validation images (default: all)"
    )
    add_reading_arguments(parser)
    add_arguments(parser, shots=False)


def _paths(args: argparse.Namespace) -> CocoPaths:
    explicit = (args.train_annotations, args.train_images, args.val_annotations, args.val_images)
    if args.root is not None and not any(explicit):
        return find_layout(args.root)
    if args.root is None and all(explicit):
        return CocoPaths(*explicit)
    raise UserError(
        "give either --root, or all of --train-annotations, --train-images, --val-annotations and --val-images"
    )


def _selection(args: argparse.Namespace) -> Selection:
    if args.labelled:
        for name in ("base_categories", "novel_categories", "val_negatives", "val_pairs"):
            if getattr(args, name):
                raise UserError(
                    f"--{name.replace('_', '-')} is not for --labelled: --categories names what is asked for, and "
                    "validation asks about every image"
                )
    elif args.categories:
        raise UserError("--categories is for --labelled; otherwise give --base-categories and --novel-categories")
    if not args.labelled and args.rows is None and args.shots is None:
        raise UserError("give either --rows N or --shots K; only with --labelled every image may be taken")
    base = args.categories or args.base_categories
    return Selection(
        base_categories=parse_category_list(base) if base else None,
        novel_categories=parse_category_list(args.novel_categories) if args.novel_categories else (),
        rows=args.rows,
        negatives=args.negatives,
        val_negatives=args.val_negatives,
        val_pairs=args.val_pairs,
        max_val_images=args.max_val_images,
        skip_missing_images=args.skip_missing_images,
        reading=reading_of(args),
        counting=args.counting,
    )


DATA_SET = DataSet(
    title="a detection dataset in COCO layout",
    content="COCO 2017 itself, the embedded shapes, or one's own",
    task="detection, counting or labelled_detection",
    epilog=_EPILOG,
    add_options=_add_options,
    prepare=_prepare,
)
