# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A published ViRFT_* set: its pictures, prompts and boxes as they were published."""

from __future__ import annotations

import argparse
from pathlib import Path

from verl_visual_rft.datasets.arguments import add_arguments, options_of
from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.prepare import prepare
from verl_visual_rft.datasets.readers.virft_hub import read_virft
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.detection.question import DetectionQuestion

_EPILOG = """\
--root is one of
  a downloaded repository     data/train-00000-of-00007.parquet ...
  a folder of save_to_disk    dataset_dict.json, train/data-00000-of-00001.arrow ...; or state.json, *.arrow
  one file                    any.parquet or any.arrow
with the columns image, problem and solution. The sets are at https://huggingface.co/laolao77: ViRFT_COCO,
ViRFT_COCO_base65, ViRFT_COCO_8_cate_4_shot, ViRFT_LVIS_few_shot, ViRFT_CLS_flower_4_shot,
ViRFT_CLS_fgvc_aircraft_4_shot, ViRFT_CLS_car196_4shot, ViRFT_CLS_pets37_4shot. All are training sets.

gives in --out:
  train.parquet  sft_train.parquet  manifest.json

example:
  huggingface-cli download --repo-type dataset laolao77/ViRFT_COCO_base65 --local-dir ViRFT_COCO_base65
  $command --root ViRFT_COCO_base65 --out data/virft_coco_base65
"""


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", type=Path, required=True, metavar="PATH", help="folder or file, see below")
    parser.add_argument(
        "--task",
        choices=("detection", "classification", "grounding"),
        help="task of every row (default: the form of each row's solution tells)",
    )
    add_arguments(parser, shots=False)


def _prepare(args: argparse.Namespace) -> Manifest:
    if not args.think:
        raise UserError(
            "--no-think has no effect on published prompts; prepare the original data set for other prompts"
        )
    published = read_virft(args.root, args.task)
    questions = [question for split in published.splits.values() for question in split]
    categories = sorted({question.category for question in questions if isinstance(question, DetectionQuestion)})
    return prepare(
        args.out,
        published.splits,
        options_of(args),
        "virft",
        published.sources,
        published.skips,
        {"categories": {"base": categories, "novel": []}},
    )


DATA_SET = DataSet(
    title="a published ViRFT_* set",
    content="its pictures, prompts and boxes as they were published",
    task="that of the set",
    epilog=_EPILOG,
    add_options=_add_options,
    prepare=_prepare,
)
