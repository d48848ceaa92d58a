# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft recipes``: the experiments of the paper, with estimated hours."""

from __future__ import annotations

from verl_visual_rft.terminal import make_console


def recipes() -> None:
    """List the recipes: table and row of the paper, data, estimated hours on eight GPUs of 80 GB, command."""
    from rich import box
    from rich.table import Table

    from verl_visual_rft.runs.experiments import EXPERIMENTS

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("recipe", no_wrap=True)
    for heading in ("experiment", "paper", "data", "steps"):
        table.add_column(heading, overflow="fold")
    table.add_column("GPU hours", justify="right")
    for experiment in EXPERIMENTS.values():
        table.add_row(
            experiment.name,
            experiment.title,
            f"Table {' and '.join(map(str, experiment.tables))}, {experiment.row}",
            ", ".join(experiment.data_sets),
            str(experiment.steps),
            str(experiment.gpu_hours),
        )
    console = make_console(highlight=False)
    console.print(table)
    console.print(
        "visual-rft run RECIPE data_root=FOLDER    method=rft (default), sft or base; --variables shows all variables\n"
        "visual-rft run RECIPE smoke=1             the same stages in miniature on a CPU, without data\n"
        "DATA_ROOT=FOLDER bash recipes/RECIPE.sh   the same, and what is missing is installed before\n"
        "GPU hours of training are an estimate for 8 A100 of 80 GB: visual-rft plan RECIPE",
        soft_wrap=True,
    )
