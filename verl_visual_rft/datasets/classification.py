# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From a classification dataset to a prepared folder: what its data sets share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from verl_visual_rft.datasets.arguments import add_arguments, add_root, options_of
from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.datasets.few_shot import MOST_VAL_SHOTS, SAMPLERS, short_classes
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.prepare import prepare
from verl_visual_rft.datasets.readers.classification import ClassificationSplits


def add_sampler_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--sampler``, which says how ``--shots`` draws."""
    parser.add_argument(
        "--sampler",
        choices=sorted(SAMPLERS),
        default="coop",
        help="how --shots draws: coop, as CoOp does (its published lists are seeds 1 to 3); nested, where the pictures "
        f"of fewer shots are among those of more. val gets at most {MOST_VAL_SHOTS} of each class (default: coop)",
    )


def add_split_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--split`` and ``--split-file`` of the data sets that CoOp split anew."""
    parser.add_argument(
        "--split",
        choices=("coop", "official"),
        default="coop",
        help="coop: CoOp's, whose test part is the paper's; official: that of the data set (default: coop)",
    )
    parser.add_argument("--split-file", type=Path, metavar="FILE", help="CoOp's split file (default: in --root)")


def resplit_data_set(
    name: str,
    read: Callable[[Path, Literal["coop", "official"], Path | None], ClassificationSplits],
    *,
    title: str,
    content: str,
    source: str,
    layout: str,
    root: str,
    tested: int,
    official_has_val: bool = True,
) -> DataSet:
    """Return a data set that CoOp split anew.

    Args:
        name: Of the data set.
        read: Its reader, of the root, ``--split`` and ``--split-file``.
        title: See `DataSet`.
        content: See `DataSet`.
        source: See `epilog_of`, as ``layout``, ``root`` and ``tested``.
        layout: Of the original files.
        root: What the example calls their folder.
        tested: Pictures of the paper's test set.
        official_has_val: Whether the data set's own split has a validation part.
    """

    def add_options(parser: argparse.ArgumentParser) -> None:
        add_root(parser)
        add_split_arguments(parser)
        add_sampler_argument(parser)
        add_arguments(parser, shots=True)

    def prepare(args: argparse.Namespace) -> Manifest:
        splits = read(args.root, args.split, args.split_file)
        return prepare_classification(args, splits, name, {"split": args.split})

    val_if = "" if official_has_val else " (not with --split official)"
    epilog = epilog_of(name, source, layout, root, tested, val_if)
    return DataSet(title, content, "classification", epilog, add_options, prepare)


def epilog_of(name: str, source: str, layout: str, root: str, tested: int, val_if: str = "") -> str:
    """Return what ``--help`` of a classification data set ends with.

    Args:
        name: Of the data set.
        source: Where the original files come from.
        layout: Of the original files.
        root: What the example calls their folder.
        tested: Pictures of the paper's test set.
        val_if: When val.parquet is not written, in brackets.
    """
    return f"""\
layout of --root ({source}):
{layout}

gives in --out:
  train.parquet  sft_train.parquet  val.parquet{val_if}  test.parquet  manifest.json

example, 4 pictures of each class to train on, and the paper's {tested} to test (its own draw is not published):
  $command --root {root} --out data/{name}_4shot --shots 4 --seed 1
"""


def prepare_classification(
    args: argparse.Namespace, splits: ClassificationSplits, dataset: str, details: Mapping[str, Any]
) -> Manifest:
    """Draw the shots and write the folder.

    A class with fewer pictures than ``--shots`` is taken whole; the manifest names it under ``classes_below_shots``.

    Args:
        args: Of `add_sampler_argument` and `arguments.add_arguments`.
        splits: What a reader gave. Without ``--shots``, train and val are written whole.
        dataset: Name of the data set.
        details: Options of the reader, for the manifest.

    Raises:
        UserError: Options contradict each other; see also `prepare`.
    """
    options = options_of(args)
    questions = {"train": list(splits.train), "val": list(splits.val), "test": list(splits.test)}
    if options.shots is not None:
        draw = SAMPLERS[args.sampler]
        questions["train"], questions["val"] = draw(splits.train, splits.val, options.shots, options.seed)
        short = short_classes(splits.train, options.shots)
        details = {**details, "sampler": args.sampler, "classes_below_shots": short}
    filled = {split: listed for split, listed in questions.items() if listed}
    return prepare(args.out, filled, options, dataset, splits.sources, splits.skips, details)
