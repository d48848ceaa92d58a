# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft recipes``, ``plan``, ``run`` and ``watch``: the experiments of the paper, from a list to a training."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer

from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import make_console, say


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


RUN_EPILOG = (
    "\b\nExamples:\n"
    "  visual-rft run coco_fewshot_2b --variables\n"
    "  visual-rft run coco_fewshot_2b smoke=1                                   (in miniature on a CPU, without data)\n"
    "  visual-rft run coco_fewshot_2b data_root=/data/coco method=sft shots=4 dry_run=1\n"
    "  visual-rft run lisa_7b data_root=/data/ReasonSeg reward=paper actor_rollout_ref.actor.optim.lr=2e-6\n"
    "  visual-rft run quickstart steps=40"
)


def run(
    name: Annotated[str, typer.Argument(help="An experiment of `visual-rft recipes`, quickstart or pretrain_tiny.")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Variables of the experiment, key=value, and settings of veRL, a.key=value; these win."),
    ] = None,
    show_variables: Annotated[
        bool, typer.Option("--variables", help="Only show the variables of NAME, with their defaults.")
    ] = False,
) -> None:
    """Run an experiment from the original files to the paper's table; the same command again goes on.

    Variables may also be given in the environment (SHOTS=4 visual-rft run ...). Everything is checked before it starts.
    """
    from verl_visual_rft import doctor
    from verl_visual_rft.runs.catalogue import execute, help_of, read_run, split_words
    from verl_visual_rft.runs.paths import check_writable

    if show_variables:
        say(help_of(name), end="")
        return
    variables, overrides = split_words(name, settings or [])
    wanted = read_run(name, os.environ | variables, overrides, Path.cwd())
    if not wanted.is_dry:
        check_writable(wanted.output)
        if status := doctor.run(wanted.device, quick=True):
            raise typer.Exit(status)
    execute(wanted)


PLAN_EPILOG = (
    "\b\nExamples:\n"
    "  visual-rft plan coco_ovd_2b\n"
    "  visual-rft plan recipes/lisa_7b.sh --gpu h100-80g --ngpus 4 actor_rollout_ref.rollout.n=8\n"
    "  METHOD=sft LORA=8 SHOTS=16 visual-rft plan recipes/flowers102_2b.sh --gpu rtx4090-24g --ngpus 1\n"
    "  visual-rft plan recipes/lisa_2b.sh --check   (refuse what cannot work here, as the recipe itself does)"
)


def plan(
    recipe: Annotated[
        str, typer.Argument(help="An experiment, or its script; its variables (SHOTS, METHOD, ...) are read.")
    ],
    overrides: Annotated[list[str] | None, typer.Argument(help="Settings of veRL, key=value.")] = None,
    gpu: Annotated[str, typer.Option(help="Kind of GPU; a wrong name lists them.")] = "a100-80g",
    ngpus: Annotated[int, typer.Option(min=1, help="GPUs of a machine.")] = 8,
    nnodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    full: Annotated[bool, typer.Option("--full", help="Print the whole resolved configuration of veRL.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, bytes and seconds.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only refuse what cannot work on this machine.")] = False,
) -> None:
    """Show what a recipe would do: settings, memory by part, time. Starts nothing; memory and time are estimates."""
    from verl_visual_rft.gpus import GPUS
    from verl_visual_rft.planning.page import print_plan
    from verl_visual_rft.planning.plan import plan_recipe
    from verl_visual_rft.runs.planned import read_recipe

    if check:
        _check(recipe, overrides or [])
        return
    if gpu not in GPUS:
        raise UserError(f"--gpu {gpu} is none of {', '.join(GPUS)}")
    variables = {"DEVICE": "cuda", "NGPUS": str(ngpus), "NNODES": str(nnodes)}
    planned = plan_recipe(read_recipe(recipe, overrides or [], variables), GPUS[gpu])
    if as_json:
        say(json.dumps(planned.as_json(), indent=2, default=str))
        return
    if full:
        import yaml

        say(yaml.safe_dump(dict(planned.config), sort_keys=False))
    print_plan(planned, make_console())


def _check(recipe: str, overrides: list[str]) -> None:
    from verl_visual_rft.planning.check import check_training
    from verl_visual_rft.runs.planned import read_recipe

    planned = read_recipe(recipe, overrides)
    check_training(planned.training, planned.facts["think"] == "on")
    say(f"{planned.facts['name']}: nothing speaks against it")


WATCH_EPILOG = (
    "\b\nExamples:\n  visual-rft watch outputs/quickstart/rft\n  visual-rft watch outputs/quickstart/rft --once"
)


def watch(
    run: Annotated[Path, typer.Argument(help="Folder of a training run: the one with metrics.1.jsonl and log.txt.")],
    once: Annotated[bool, typer.Option("--once", help="Print the state and end.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between looks at the metrics.")] = 2.0,
) -> None:
    """Watch a training run: progress, reward curves, answers, seconds by stage, warnings. Changes nothing."""
    from rich.live import Live

    from verl_visual_rft.training.monitoring.terminal import read_run, render

    console, state = make_console(), read_run(run)
    if once or state.finished or not console.is_terminal:
        console.print(render(state))
        return
    try:
        with Live(render(state), console=console, auto_refresh=False) as live:
            while not state.finished:
                time.sleep(every)
                state = read_run(run)
                live.update(render(state), refresh=True)
    except KeyboardInterrupt:
        return
