# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft plan``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import make_console, say

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
