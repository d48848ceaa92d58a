# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From a classification dataset to a prepared folder: what the scripts of its four data sets share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.arguments import add_arguments, options_of, print_summary
from verl_visual_rft.datasets.few_shot import MOST_VAL_SHOTS, SAMPLERS, short_classes
from verl_visual_rft.datasets.prepare import prepare
from verl_visual_rft.datasets.readers.classification import ClassificationSplits
from verl_visual_rft.terminal import say


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


def prepare_resplit_dataset(
    description: str, epilog: str, dataset: str, read: Callable[[Path, str, Path | None], ClassificationSplits]
) -> None:
    """Do the whole work of the script of a data set that CoOp split anew: arguments, reading, `prepare_classification`.

    Args:
        description: Of the script, for ``--help``.
        epilog: Layout and example, for ``--help``.
        dataset: Name of the data set.
        read: Its reader, of the root, ``--split`` and ``--split-file``.

    Raises:
        UserError: See `prepare_classification` and the reader.
    """
    parser = argparse.ArgumentParser(
        description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder in the layout below")
    add_split_arguments(parser)
    add_sampler_argument(parser)
    add_arguments(parser, shots=True)
    args = parser.parse_args()
    prepare_classification(args, read(args.root, args.split, args.split_file), dataset, {"split": args.split})


def prepare_classification(
    args: argparse.Namespace, splits: ClassificationSplits, dataset: str, details: Mapping[str, Any]
) -> None:
    """Draw the shots, write the folder and print what was written.

    A class with fewer pictures than ``--shots`` is taken whole; the output and, under ``classes_below_shots``, the
    manifest name it.

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
    short: dict[str, int] = {}
    if options.shots is not None:
        draw = SAMPLERS[args.sampler]
        questions["train"], questions["val"] = draw(splits.train, splits.val, options.shots, options.seed)
        short = short_classes(splits.train, options.shots)
        details = {**details, "sampler": args.sampler, "classes_below_shots": short}
    filled = {split: listed for split, listed in questions.items() if listed}
    manifest = prepare(args.out, filled, options, dataset, splits.sources, splits.skips, details)
    print_summary(manifest, args.out)
    for name, count in short.items():
        say(f"{name}: {count} training pictures, fewer than --shots {options.shots}; all are taken")
