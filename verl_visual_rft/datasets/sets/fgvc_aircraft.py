# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""FGVC-Aircraft: which of 100 variants a picture shows."""

from __future__ import annotations

import argparse

from verl_visual_rft.datasets.arguments import add_arguments, add_root
from verl_visual_rft.datasets.classification import add_sampler_argument, epilog_of, prepare_classification
from verl_visual_rft.datasets.commands import DataSet
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.readers.fgvc_aircraft import LAYOUT, read_fgvc_aircraft

_NAME = "fgvc_aircraft"


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_root(parser)
    parser.add_argument(
        "--crop-banner",
        action="store_true",
        help="cut the credit of 20 pixels off the bottom (default: keep it, as the paper's rows do)",
    )
    add_sampler_argument(parser)
    add_arguments(parser, shots=True)


def _prepare(args: argparse.Namespace) -> Manifest:
    splits = read_fgvc_aircraft(args.root, args.crop_banner)
    return prepare_classification(args, splits, _NAME, {"crop_banner": args.crop_banner})


DATA_SET = DataSet(
    title="FGVC-Aircraft",
    content="which of 100 variants a picture shows",
    task="classification",
    epilog=epilog_of(
        _NAME,
        source="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
        layout=f"{LAYOUT}\nor the same without data/, as CoOp arranges it",
        root="AIRCRAFT",
        tested=3333,
    ),
    add_options=_add_options,
    prepare=_prepare,
)
