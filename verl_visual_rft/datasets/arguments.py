# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the command lines of data sets share: options, the summary of what was written, and errors for people."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from rich.table import Table

from verl_visual_rft.coordinates import FAMILIES
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.prepare import PrepareOptions, check_options
from verl_visual_rft.datasets.rows import SFT_TARGETS
from verl_visual_rft.errors import UserError, system_errors_are_the_users
from verl_visual_rft.terminal import make_console, say

_MOST_WORKERS = 8  # by default: one process writes, and keeps no more of them busy

#: Rows of the summary: key of the manifest's counts -> what it says; a row without a figure is left out.
_COUNTS = {
    "rows": "rows",
    "skipped_rows": "rows left out",
    "negatives": "rows without objects",
    "boxes": "boxes",
    "categories": "categories or classes",
    "images": "pictures",
    "most_image_tokens": "visual tokens, at most",
    "most_prompt_tokens": "prompt tokens, at most",
}


def add_root(parser: argparse.ArgumentParser) -> None:
    """Add ``--root``, the folder of the originals, whose layout stands at the end of ``--help``."""
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder in the layout below")


def add_arguments(parser: argparse.ArgumentParser, shots: bool) -> None:
    """Add ``--out`` and the options of `PrepareOptions`; ``--shots`` only where it makes sense."""
    defaults = PrepareOptions()
    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    if shots:
        parser.add_argument(
            "--shots", type=at_least(1), metavar="K", help="training pictures of each class (default: all)"
        )
    parser.add_argument("--seed", type=int, default=defaults.seed, help="seed of every draw (default: 0)")

    style = parser.add_argument_group("prompt and pictures")
    style.add_argument(
        "--think",
        action=argparse.BooleanOptionalAction,
        default=defaults.think,
        help="ask for a thinking process before the answer (default: yes)",
    )
    style.add_argument(
        "--family",
        choices=sorted(FAMILIES),
        default=defaults.family,
        help=f"model family, which decides the coordinates of boxes (default: {defaults.family})",
    )
    style.add_argument(
        "--min-pixels",
        type=at_least(784),
        default=defaults.min_pixels,
        metavar="N",
        help=f"pixels that smaller pictures are enlarged to (default: {defaults.min_pixels})",
    )
    style.add_argument(
        "--max-pixels",
        type=at_least(784),
        default=defaults.max_pixels,
        metavar="N",
        help=f"pixels that larger pictures are reduced to (default: {defaults.max_pixels})",
    )
    style.add_argument(
        "--tokenizer", type=Path, metavar="DIR", help="folder of the model, to count the tokens of each prompt"
    )
    style.add_argument(
        "--max-prompt-tokens",
        type=at_least(1),
        metavar="N",
        help="leave out and list rows whose prompt, picture included, is longer (needs --tokenizer)",
    )
    style.add_argument("--reward", metavar="NAME", help="reward of these rows, where one training mixes tasks")

    work = parser.add_argument_group("work")
    work.add_argument(
        "--workers", type=at_least(1), default=workers, metavar="N", help=f"processes (default: {workers})"
    )
    work.add_argument("--strict", action="store_true", help="make every skip an error")
    work.add_argument(
        "--sft",
        action=argparse.BooleanOptionalAction,
        default=defaults.sft,
        help="also write sft_train.parquet, the same questions with answers (default: yes)",
    )
    work.add_argument(
        "--sft-target",
        choices=SFT_TARGETS,
        default=defaults.sft_target,
        help=f"what its targets say: the answer, or a short thinking process first (default: {defaults.sft_target})",
    )


def options_of(args: argparse.Namespace) -> PrepareOptions:
    """Return the options that `add_arguments` read.

    Raises:
        UserError: They contradict each other.
    """
    named = {field.name: getattr(args, field.name) for field in fields(PrepareOptions) if hasattr(args, field.name)}
    options = PrepareOptions(**named)
    check_options(options)
    return options


def print_summary(manifest: Manifest, out: Path) -> None:
    """Print what was written, and by rule what was left out and converted."""
    splits = [split for split in manifest["counts"] if split != "both"]
    table = Table("", *splits, title=str(out))
    for key, label in _COUNTS.items():
        values = [manifest["counts"][split][key] for split in splits]
        if any(values):
            table.add_row(label, *("" if value is None else f"{value:,}" for value in values))
    table.add_row("parquet bytes", *(f"{manifest['files'][f'{split}.parquet']['bytes']:,}" for split in splits))
    console = make_console(soft_wrap=True)
    console.print(table)
    for done, rules, places in (
        ("left out", manifest["skips"], "where"),
        ("mended", manifest.get("mends", {}), "where"),
        ("converted", manifest["conversions"], "pictures"),
    ):
        for rule, entry in rules.items():
            console.print(f"{done}, {rule}: {entry['count']:,} ({_first(entry[places])})")
    shared = manifest["counts"]["both"]["images"]
    if shared:
        console.print(f"warning: {shared:,} pictures are in more than one split; scores on them flatter the model")
    for name, pictures in manifest.get("classes_below_shots", {}).items():
        console.print(f"{name}: {pictures} training pictures, fewer than --shots {manifest['shots']}; all are taken")


def _first(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]}, ... all in manifest.json"


def run(main: Callable[[], None]) -> int:
    """Run the ``main`` of a script and return its exit status: 2 with a plain message for a `UserError`.

    Example:
        >>> run(lambda: None)
        0
    """
    try:
        with system_errors_are_the_users():
            main()
    except UserError as error:
        say(f"error: {error}", error=True)
        return 2
    except KeyboardInterrupt:
        say("interrupted; nothing was written", error=True)
        return 130
    return 0


def add_negatives(parser: Any) -> None:
    """Add --negatives, the share of training questions about what is not there."""
    parser.add_argument(
        "--negatives",
        type=share,
        default=0.0,
        metavar="RATIO",
        help="share of training rows whose category is absent (default: 0, as in the paper)",
    )


def at_least(minimum: int) -> Callable[[str], int]:
    """Return an argparse type: an integer of at least ``minimum``."""

    def parse(text: str) -> int:
        value = int(text)
        if value < minimum:
            raise argparse.ArgumentTypeError(f"{value} is less than {minimum}")
        return value

    parse.__name__ = "integer"  # argparse names the type in its message
    return parse


def share(text: str) -> float:
    """Argparse type: a number in [0, 1)."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not in [0, 1)")
    return value
