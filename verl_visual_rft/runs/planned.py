# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What `visual-rft plan` and `visual-rft recipes` look at."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.plan import Recipe
from verl_visual_rft.runs.catalogue import NAMES, find_experiment
from verl_visual_rft.runs.commands import start_command
from verl_visual_rft.runs.experiment import read_experiment
from verl_visual_rft.runs.experiments import EXPERIMENTS


def read_recipe(recipe: str, overrides: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> Recipe:
    """Return an experiment with its variables set, to be planned.

    Args:
        recipe: Its name, or its script.
        overrides: Settings of veRL.
        variables: Variables (SHOTS, NGPUS, ...) besides those of this process's environment.

    Raises:
        UserError: There is no such experiment, a variable is wrong, or nothing is trained (METHOD=base).
    """
    experiment = find_experiment(_name(recipe))
    environment = {**os.environ, "DRY_RUN": "1", **(variables or {})}
    try:
        run = read_experiment(experiment, environment, overrides, Path.cwd())
        training = run.training()
    except UserError as error:
        raise UserError(f"{recipe}: {error}") from error
    if not training:
        raise UserError(f"{experiment.name} with METHOD=base trains nothing; there is nothing to plan")
    return Recipe(run.facts(run.variables.model), training)


def _name(recipe: str) -> str:
    """Return the name of an experiment that may be given as its script; the script is not run."""
    script = Path(recipe)
    if recipe in NAMES and recipe not in EXPERIMENTS:
        raise UserError(
            f"{recipe} is no experiment of the paper, and cannot be planned; {start_command(recipe)} runs it"
        )
    if script.suffix != ".sh":
        return recipe
    remedy = "`visual-rft recipes` lists the recipes"
    if not script.is_file():
        raise UserError(f"{recipe}: no such recipe; {remedy}")
    if script.stem not in EXPERIMENTS:
        raise UserError(f"{recipe} is no recipe of an experiment; {remedy}")
    return script.stem
