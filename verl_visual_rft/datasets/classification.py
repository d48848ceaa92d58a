# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From a classification dataset to a prepared folder: what its data sets share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from verl_visual_rft.datasets.arguments import options_of
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


def prepare_classification(
    args: argparse.Namespace, splits: ClassificationSplits, dataset: str, details: Mapping[str, Any]
) -> Manifest:
    """Draw the shots, or without ``--shots`` take train and val whole, and write the folder.

    A class with fewer pictures than ``--shots`` is taken whole; the manifest names it under ``classes_below_shots``.

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
