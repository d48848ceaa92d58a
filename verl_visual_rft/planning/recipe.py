# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a recipe would run: its ``DRY_RUN=1`` output, so that nothing is stated twice."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.command import TRAINERS

#: The line that makes a script a recipe, and heed DRY_RUN: any other would be run for good.
_SHARED_PART = re.compile(r"^source recipes/experiment\.sh$", re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """A recipe with its variables set.

    Attributes:
        facts: What it says about itself: name, title, paper, method, model, steps, ...
        stages: Stage -> command line, in order.
    """

    facts: Mapping[str, Any]
    stages: Mapping[str, Sequence[str]]

    @property
    def training(self) -> Sequence[str]:
        """The command that trains.

        Raises:
            UserError: None does (METHOD=base).
        """
        for command in self.stages.values():
            if any(word in TRAINERS for word in command):
                return command
        raise UserError(
            f"{self.facts['name']} with METHOD={self.facts['method']} trains nothing; there is nothing to plan"
        )


def read_recipe(path: Path, overrides: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> Recipe:
    """Ask a recipe what it would run; it does nothing.

    Args:
        path: The script.
        overrides: Settings of veRL, passed on to it.
        variables: Environment variables (SHOTS, NGPUS, ...) besides those of this process.

    Raises:
        UserError: There is no such script, it refuses a variable, or it is no recipe.
    """
    _refuse_other_scripts(path)
    environment = {**os.environ, **(variables or {}), "DRY_RUN": "1"}
    done = subprocess.run(
        ["bash", str(path), *overrides], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        reason = done.stderr.strip().removeprefix("error: ") or f"it ended with status {done.returncode}"
        raise UserError(f"{path}: {reason}")
    try:
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        facts, stages = lines[0]["recipe"], {line["stage"]: line["command"] for line in lines[1:]}
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(f"{path} is no recipe: with DRY_RUN=1 it must print its stages as JSON lines") from error
    return Recipe(facts, stages)


def _refuse_other_scripts(path: Path) -> None:
    """Refuse what is no recipe without running it."""
    remedy = "`visual-rft recipes` lists the recipes"
    if not path.is_file():
        raise UserError(f"{path}: no such recipe; {remedy}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}; {remedy}") from error
    if not _SHARED_PART.search(text):
        raise UserError(f"{path} is no recipe of an experiment: it does not source recipes/experiment.sh; {remedy}")
