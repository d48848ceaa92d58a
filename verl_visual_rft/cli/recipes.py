# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft recipes``: the experiments of the paper, as the recipes themselves describe them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import verl_visual_rft
from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import make_console

if TYPE_CHECKING:
    from verl_visual_rft.planning.plan import Plan

_GPU, _NGPUS = "a100-80g", 8
_NAME = re.compile(r".+_[27]b\.sh")


def recipes() -> None:
    """List the recipes: table and row of the paper, data, estimated hours on eight GPUs of 80 GB, command."""
    from rich import box
    from rich.table import Table

    from verl_visual_rft.gpus import GPUS
    from verl_visual_rft.planning.plan import plan_recipe

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("recipe", no_wrap=True)
    for heading in ("experiment", "paper", "data", "steps"):
        table.add_column(heading, overflow="fold")
    table.add_column("GPU hours", justify="right")
    for path in find_recipes():
        table.add_row(*_describe(plan_recipe(path, GPUS[_GPU], _NGPUS)))
    console = make_console(highlight=False)
    console.print(table)
    console.print(
        "DATA_ROOT=FOLDER bash recipes/RECIPE.sh    METHOD=rft (default), sft or base; --help shows all variables\n"
        "SMOKE=1 bash recipes/RECIPE.sh             the same stages in miniature on a CPU, without data\n"
        f"GPU hours of training are an estimate for {_NGPUS} {GPUS[_GPU].name}: visual-rft plan recipes/RECIPE.sh",
        soft_wrap=True,
    )


def find_recipes() -> list[Path]:
    """Return the scripts of the experiments, sorted by name.

    Raises:
        UserError: The package is installed without the repository.
    """
    folder = Path(verl_visual_rft.__file__).parents[1] / "recipes"
    found = sorted(path for path in folder.glob("*.sh") if _NAME.fullmatch(path.name))
    if not found:
        raise UserError(
            f"no recipes in {folder}: they come with the repository; clone it, and install it with scripts/setup.sh"
        )
    return found


def _describe(plan: Plan) -> tuple[str, ...]:
    facts = plan.recipe.facts
    paper = f"Table {' and '.join(map(str, facts['tables']))}, {facts['paper']['row']}"
    hours = "" if plan.hours is None else f"{plan.hours * _NGPUS:.0f}"
    return (
        f"recipes/{facts['name']}.sh",
        facts["title"],
        paper,
        ", ".join(facts["data_sets"]),
        str(facts["steps"]),
        hours,
    )
