# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's four classification data sets: Stanford Cars, FGVC-Aircraft, Flowers102 and Oxford-IIIT Pets."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from verl_visual_rft.datasets.arguments import add_arguments, add_root
from verl_visual_rft.datasets.classification import add_sampler_argument, prepare_classification
from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.readers import cars196, fgvc_aircraft, flowers102, pets37
from verl_visual_rft.datasets.readers.classification import ClassificationSplits


def _add_split(parser: argparse.ArgumentParser) -> None:
    """Add the options of the data sets that CoOp split anew."""
    parser.add_argument(
        "--split",
        choices=("coop", "official"),
        default="coop",
        help="coop: CoOp's, whose test part is the paper's; official: that of the data set (default: coop)",
    )
    parser.add_argument("--split-file", type=Path, metavar="FILE", help="CoOp's split file (default: in --root)")


def _add_crop_banner(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--crop-banner",
        action="store_true",
        help="cut the credit of 20 pixels off the bottom (default: keep it, as the paper's rows do)",
    )


def _data_set(
    name: str,
    title: str,
    content: str,
    read: Callable[[argparse.Namespace], ClassificationSplits],
    *,
    source: str,
    layout: str,
    root: str,
    tested: int,
    val_if: str = "",
    add_own: Callable[[argparse.ArgumentParser], None] = _add_split,
    recorded: str = "split",
) -> DataSet:
    """Make a data set, with the options of ``add_own``, of which the manifest keeps ``recorded``.

    The paper's test set has ``tested`` pictures; ``val_if`` says, in brackets, when val.parquet is not written.
    """

    def add_options(parser: argparse.ArgumentParser) -> None:
        add_root(parser)
        add_own(parser)
        add_sampler_argument(parser)
        add_arguments(parser, shots=True)

    def prepare(args: argparse.Namespace) -> Manifest:
        return prepare_classification(args, read(args), name, {recorded: getattr(args, recorded)})

    epilog = f"""\
layout of --root ({source}):
{layout}

gives in --out:
  train.parquet  sft_train.parquet  val.parquet{val_if}  test.parquet  manifest.json

example, 4 pictures of each class to train on, and the paper's {tested} to test (its own draw is not published):
  $command --root {root} --out data/{name}_4shot --shots 4 --seed 1
"""
    return DataSet(title, content, "classification", epilog, add_options, prepare)


_WITHOUT_VAL = " (not with --split official)"

DATA_SETS = {
    "cars196": _data_set(
        "cars196",
        "Stanford Cars",
        "which of 196 models a picture shows",
        lambda args: cars196.read_cars196(args.root, args.split, args.split_file),
        source="the original host is gone; copies: https://github.com/pytorch/vision/issues/7545",
        layout=cars196.LAYOUT,
        root="CARS",
        tested=8041,
        val_if=_WITHOUT_VAL,
    ),
    "fgvc_aircraft": _data_set(
        "fgvc_aircraft",
        "FGVC-Aircraft",
        "which of 100 variants a picture shows",
        lambda args: fgvc_aircraft.read_fgvc_aircraft(args.root, args.crop_banner),
        source="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
        layout=f"{fgvc_aircraft.LAYOUT}\nor the same without data/, as CoOp arranges it",
        root="AIRCRAFT",
        tested=3333,
        add_own=_add_crop_banner,
        recorded="crop_banner",
    ),
    "flowers102": _data_set(
        "flowers102",
        "Flowers102",
        "which of 102 species a picture shows",
        lambda args: flowers102.read_flowers102(args.root, args.split, args.split_file),
        source="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        layout=flowers102.LAYOUT,
        root="FLOWERS",
        tested=2463,
    ),
    "pets37": _data_set(
        "pets37",
        "Oxford-IIIT Pets",
        "which of 37 breeds a picture shows",
        lambda args: pets37.read_pets37(args.root, args.split, args.split_file),
        source="https://www.robots.ox.ac.uk/~vgg/data/pets/",
        layout=pets37.LAYOUT,
        root="PETS",
        tested=3669,
        val_if=_WITHOUT_VAL,
    ),
}
