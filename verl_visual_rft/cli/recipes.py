# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft recipes``: the experiments of the paper, with estimated hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verl_visual_rft.terminal import make_console

if TYPE_CHECKING:
    from verl_visual_rft.planning.plan import Plan

_GPU, _NGPUS = "a100-80g", 8


def recipes() -> None:
    """List the recipes: table and row of the paper, data, estimated hours on eight GPUs of 80 GB, command."""
    from rich import box
    from rich.table import Table

    from verl_visual_rft.gpus import GPUS
    from verl_visual_rft.planning.plan import plan_recipe
    from verl_visual_rft.runs.experiments import EXPERIMENTS
    from verl_visual_rft.runs.planned import read_recipe

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("recipe", no_wrap=True)
    for heading in ("experiment", "paper", "data", "steps"):
        table.add_column(heading, overflow="fold")
    table.add_column("GPU hours", justify="right")
    for name in EXPERIMENTS:
        recipe = read_recipe(name, variables={"DEVICE": "cuda", "NGPUS": str(_NGPUS), "NNODES": "1"})
        table.add_row(*_describe(plan_recipe(recipe, GPUS[_GPU])))
    console = make_console(highlight=False)
    console.print(table)
    console.print(
        "visual-rft run RECIPE data_root=FOLDER    method=rft (default), sft or base; --variables shows all variables\n"
        "visual-rft run RECIPE smoke=1             the same stages in miniature on a CPU, without data\n"
        "DATA_ROOT=FOLDER bash recipes/RECIPE.sh   the same, and what is missing is installed before\n"
        f"GPU hours of training are an estimate for {_NGPUS} {GPUS[_GPU].name}: visual-rft plan RECIPE",
        soft_wrap=True,
    )


def _describe(plan: Plan) -> tuple[str, ...]:
    facts = plan.recipe.facts
    paper = f"Table {' and '.join(map(str, facts['tables']))}, {facts['paper']['row']}"
    hours = "" if plan.hours is None else f"{plan.hours * _NGPUS:.0f}"
    return (
        facts["name"],
        facts["title"],
        paper,
        ", ".join(facts["data_sets"]),
        str(facts["steps"]),
        hours,
    )
