# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Preparing a data set from the command line: ``data_prep/NAME.py`` and ``visual-rft data prepare NAME`` are this."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from string import Template
from typing import cast

from rich import box
from rich.table import Table

from verl_visual_rft.datasets.arguments import print_summary, run
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.errors import UserError, guess

_SETS = "verl_visual_rft.datasets.sets"
#: By name, the module whose ``DATA_SET`` it is, or one of ``DATA_SETS``; readers are loaded when they are used.
DATA_SETS: Mapping[str, str] = {
    **{name: f"{_SETS}.{name}" for name in ("coco", "lvis", "mg")},
    **dict.fromkeys(("flowers102", "pets37", "fgvc_aircraft", "cars196"), f"{_SETS}.classification"),
    **{name: f"{_SETS}.{name}" for name in ("lisa", "virft_hub", "custom")},
    "shapes": "verl_visual_rft.miniature.shapes_set",
}
#: What else a data set is known by: the published one, and our miniature of it.
_OTHER_NAMES = {"reasonseg": "lisa"}


@dataclass(frozen=True)
class DataSet:
    """A data set and its command line."""

    title: str  #: What it is called, as in "Prepare TITLE for Visual-RFT".
    content: str  #: What its rows ask, or what its originals are, in a line.
    task: str  #: The rows' task.
    #: Layout of the originals and where they come from, what is written, examples, for ``--help``; ``$command``
    #: stands for the command that shows it.
    epilog: str
    add_options: Callable[[argparse.ArgumentParser], None]  #: Adds its options to a parser.
    #: Does the work, given the options, and returns the manifest of what it wrote; None where it wrote no rows.
    #: Raises a `UserError`.
    prepare: Callable[[argparse.Namespace], Manifest | None]
    notes: str = ""  #: What else to know before its options, for ``--help``.


def load_data_set(name: str) -> DataSet:
    """Return a data set by its name, or by another one that it is known by.

    Raises:
        UserError: `DATA_SETS` has no such name; the message has the nearest.
    """
    name = _OTHER_NAMES.get(name, name)
    if name not in DATA_SETS:
        raise UserError(f"no data set {name!r}{guess(name.lower(), DATA_SETS)}; there are {', '.join(DATA_SETS)}")
    module = import_module(DATA_SETS[name])
    return cast(DataSet, module.DATA_SETS[name] if hasattr(module, "DATA_SETS") else module.DATA_SET)


def list_data_sets() -> Table:
    """Return the data sets: name, what it is, task."""
    table = Table(box=box.SIMPLE_HEAD, caption="visual-rft data prepare NAME --help: originals, options, examples")
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    table.add_column("task")
    for name in DATA_SETS:
        data_set = load_data_set(name)
        table.add_row(name, f"{data_set.title}: {data_set.content}", data_set.task)
    return table


def prepare_data_set(name: str, arguments: Sequence[str], command: str, program: str) -> None:
    """Prepare a data set and print a summary.

    Args:
        name: A key of `DATA_SETS`.
        arguments: Its options, as a shell gives them; ``--help`` prints them, and what the originals are.
        command: What the user typed before them, for the examples.
        program: The same in short, for usage and errors.

    Raises:
        UserError: There is no such data set, or it cannot be prepared.
        SystemExit: ``--help``, or options that it does not have.
    """
    data_set = load_data_set(name)
    options = _parser(data_set, command, program).parse_args(arguments)
    manifest = data_set.prepare(options)
    if manifest is not None:
        print_summary(manifest, options.out)


def run_script(name: str) -> int:
    """Do the work of ``data_prep/NAME.py`` and return its exit status."""
    script = f"{name}.py"
    return run(lambda: prepare_data_set(name, sys.argv[1:], f"python data_prep/{script}", script))


def _parser(data_set: DataSet, command: str, program: str) -> argparse.ArgumentParser:
    first = f"Prepare {data_set.title} for Visual-RFT: {data_set.content}."
    parser = argparse.ArgumentParser(
        prog=program,
        description="\n\n".join(filter(None, [first, data_set.notes])),
        epilog=Template(data_set.epilog).substitute(command=command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data_set.add_options(parser)
    return parser
