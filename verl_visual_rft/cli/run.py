# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft run``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from verl_visual_rft.terminal import say

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
