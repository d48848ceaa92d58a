# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Data of one's own: a folder per class, a COCO file, or a JSON-lines file of any tasks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.arguments import add_arguments, options_of, share
from verl_visual_rft.datasets.category_lists import parse_category_list
from verl_visual_rft.datasets.classification import add_sampler_argument, prepare_classification
from verl_visual_rft.datasets.coco_reading import READING, add_reading_arguments, reading_of
from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.datasets.hold_out import hold_out
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.prepare import prepare
from verl_visual_rft.datasets.readers import class_folders
from verl_visual_rft.datasets.readers.coco_file import read_coco_file
from verl_visual_rft.datasets.readers.jsonl import read_jsonl
from verl_visual_rft.datasets.skips import Mend, Skip
from verl_visual_rft.datasets.tally import Kept
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.question import Question

_EPILOG = f"""\
--class-folders DIR
{class_folders.LAYOUT}

--coco FILE --images DIR
  A COCO file of any name and the folder of its pictures: one row for each category of each picture that shows it.
  --negatives adds questions about absent categories. For draws of rows or shots and novel categories prepare
  the data set coco.

--jsonl FILE
  One question a line, tasks in any mixture; pictures relative to the file, boxes in their pixels:
  {{"image": "a.jpg", "task": "detection", "category": "cup", "boxes": [[12, 40, 96, 130]]}}    [] where there is none
  {{"image": "a.jpg", "task": "classification", "label": "kitchen"}}
  {{"image": "a.jpg", "task": "grounding", "instruction": "what one drinks from", "box": [12, 40, 96, 130]}}
  {{"image": "a.jpg", "task": "grounding", "instruction": "the cups", "boxes": [[12, 40, 96, 130]]}}    any number
  {{"image": "a.jpg", "task": "pointing", "instruction": "handles", "targets": [{{"point": [90, 60], "radius": 8}}]}}
  A line may name its reward: "reward": "paper".

gives in --out:
  train.parquet  sft_train.parquet  manifest.json
  val.parquet  (test.parquet)       where the source has such a split, or with --val-share
  val_annotations.json              where val asks for detection

examples:
  $command --class-folders mushrooms --container "a mushroom" --asked "the species of the mushroom" \\
      --val-share 0.1 --shots 4 --out data/mushrooms
  $command --coco labels/boxes.json --images photos --val-share 0.1 --out data/boxes
  $command --jsonl train.jsonl --val-jsonl val.jsonl --out data/own
"""


# The options that belong to each source.
_PARTS = {
    "class_folders": ("shots",),
    "coco": ("images", "categories", "val_coco", "val_images", "negatives", *READING),
    "jsonl": ("val_jsonl", "images", "bbox"),
}


def _prepare(args: argparse.Namespace) -> Manifest:
    source = next(name for name in _PARTS if getattr(args, name) is not None)
    strangers = [
        name
        for name in {name for other in _PARTS.values() for name in other} - {*_PARTS[source]}
        if getattr(args, name) is not None
    ]
    if strangers:
        given = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(strangers))
        raise UserError(f"{given} has no meaning with --{source.replace('_', '-')}; --help says what belongs together")
    if args.class_folders is not None:
        return _prepare_class_folders(args)
    if args.coco is not None:
        return _prepare_coco(args)
    return _prepare_jsonl(args)


def _prepare_class_folders(args: argparse.Namespace) -> Manifest:
    splits = class_folders.read_class_folders(args.class_folders, args.container, args.asked)
    if args.val_share is not None:
        _require_no_val(bool(splits.val), "val/")
        train, val = hold_out(splits.train, args.val_share, args.seed)
        splits = replace(splits, train=tuple(train), val=tuple(val))
    return prepare_classification(args, splits, args.name, {"val_share": args.val_share})


def _prepare_coco(args: argparse.Namespace) -> Manifest:
    if args.images is None or (args.val_coco is None) != (args.val_images is None):
        raise UserError(
            "a COCO file needs the folder of its pictures: --coco with --images, --val-coco with --val-images"
        )
    names = parse_category_list(args.categories) if args.categories else None
    how = {"reading": reading_of(args), "negatives": args.negatives or 0.0, "seed": args.seed}
    train = read_coco_file(args.coco, args.images, names, **how)
    questions: dict[str, Sequence[Question]] = {"train": train.questions}
    skips, mends, sources = [*train.skips], [*train.mends], [args.coco]
    if args.val_coco is not None:
        val = read_coco_file(args.val_coco, args.val_images, [*train.categories], **how, ids=train.categories)
        questions["val"] = val.questions
        skips += val.skips
        mends += val.mends
        sources.append(args.val_coco)
    return _prepare_questions(args, questions, sources, skips, mends)


def _prepare_jsonl(args: argparse.Namespace) -> Manifest:
    files = {"train": args.jsonl} | ({"val": args.val_jsonl} if args.val_jsonl is not None else {})
    content = read_jsonl(files, args.container, args.asked, args.images, args.bbox)
    return _prepare_questions(args, content.splits, [*files.values()], [], content.mends)


def _prepare_questions(
    args: argparse.Namespace,
    splits: Mapping[str, Sequence[Question]],
    sources: Sequence[Path],
    skips: Sequence[Skip],
    mends: Sequence[Mend],
) -> Manifest:
    if args.val_share is not None:
        _require_no_val("val" in splits, "file of its own")
        train, val = hold_out(splits["train"], args.val_share, args.seed)
        splits = {"train": train, "val": val}
    every = [question for split in splits.values() for question in split]
    tasks = {name: load_task(name) for name in {question.task for question in every}}
    details: dict[str, Any] = {"val_share": args.val_share}
    for name, task in sorted(tasks.items()):
        details |= task.manifest_keys([question for question in every if question.task == name])

    def companions(kept: Mapping[str, Kept]) -> Mapping[str, Any]:
        files: dict[str, Any] = {}
        for name, task in tasks.items():
            asked = [question for question in every if question.task == name]
            # Of a question without a row, on a picture that another task asks about, nobody could find the objects.
            val = [q for q in splits.get("val", ()) if q.task == name and kept["val"].has(q)]
            files |= task.companions(asked, val, kept["val"]) if val else {}
        return files

    return prepare(args.out, splits, options_of(args), args.name, sources, skips, details, companions, mends)


def _require_no_val(has_val: bool, what: str) -> None:
    if has_val:
        raise UserError(f"--val-share holds pictures out of train, but val has its {what} already; leave one away")


def _add_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--class-folders", type=Path, metavar="DIR", help="a folder per class, see below")
    source.add_argument("--coco", type=Path, metavar="FILE", help="a COCO file of any name")
    source.add_argument("--jsonl", type=Path, metavar="FILE", help="a JSON-lines file, see below")

    parts = parser.add_argument_group("parts of the source")
    parts.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="the pictures of --coco; of --jsonl: the folder that holds them (default: that of the file)",
    )
    parts.add_argument("--categories", metavar="LIST", help="of --coco: NAME,NAME,... or @FILE (default: all)")
    parts.add_argument(
        "--negatives",
        type=share,
        metavar="RATIO",
        help="of --coco: share of rows whose category is absent, pictures that show nothing included (default: 0)",
    )
    parts.add_argument("--val-coco", type=Path, metavar="FILE", help="COCO file of the validation pictures")
    parts.add_argument("--val-images", type=Path, metavar="DIR", help="the pictures of --val-coco")
    parts.add_argument("--val-jsonl", type=Path, metavar="FILE", help="JSON-lines file of the validation questions")
    parts.add_argument(
        "--val-share",
        type=share,
        metavar="RATIO",
        help="hold this share of the training pictures (of each class) out for validation, where there is no val",
    )

    words = parser.add_argument_group("words")
    words.add_argument("--name", default="custom", help="the rows' data_source, by which metrics are grouped (custom)")
    words.add_argument(
        "--container", default="an object", help='what pictures to classify show: "a mushroom" (default: an object)'
    )
    words.add_argument(
        "--asked",
        default="the class of the object",
        help='what is asked of them: "the species of the mushroom" (default: the class of the object)',
    )
    add_reading_arguments(parser)
    add_sampler_argument(parser)
    add_arguments(parser, shots=True)


DATA_SET = DataSet(
    title="data of one's own",
    content="a folder per class, a COCO file, or a JSON-lines file of any tasks",
    task="any",
    epilog=_EPILOG,
    add_options=_add_options,
    prepare=_prepare,
)
