# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What can be run, by name: the paper's experiments, the quick start, and the pretraining of its model."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from verl_visual_rft.errors import UserError, guess
from verl_visual_rft.runs import pretrain_tiny, quickstart, variables
from verl_visual_rft.runs.commands import help_command, start_command
from verl_visual_rft.runs.experiment import read_experiment
from verl_visual_rft.runs.experiments import EXPERIMENTS, Experiment
from verl_visual_rft.runs.words import bash_quote
from verl_visual_rft.terminal import say

NAMES = (*EXPERIMENTS, "quickstart", "pretrain_tiny")
_OVERRIDE = re.compile(r"[+~]|[^=]*\.[^=]*")


class Run(Protocol):
    """A run with its variables set."""

    @property
    def device(self) -> str:
        """What it runs on, "cpu" or "cuda"."""

    @property
    def is_dry(self) -> bool:
        """Whether the user wants to see the commands alone."""

    @property
    def output(self) -> Path:
        """Where its results go."""

    @property
    def folder(self) -> Path:
        """Where its commands run."""

    def dry_run(self) -> Iterator[str]:
        """Give its lines of JSON."""

    def run(self) -> None:
        """Do it."""


def read_run(name: str, environment: Mapping[str, str], overrides: Sequence[str], caller: Path) -> Run:
    """Return one of the `NAMES` with its variables set; relative paths begin in the folder ``caller``.

    Raises:
        UserError: There is no such run, or a variable or an override is wrong.
    """
    _check_overrides(name, environment, overrides)
    if name == "quickstart":
        return quickstart.read_quick_start(environment, overrides, caller)
    if name == "pretrain_tiny":
        return pretrain_tiny.read_pretrain_tiny(environment, overrides, caller)
    return read_experiment(find_experiment(name), environment, overrides, caller)


def _check_overrides(name: str, environment: Mapping[str, str], overrides: Sequence[str]) -> None:
    """Refuse words that no training would read: it is too late to see that when Hydra does, or nothing is trained."""
    for word in overrides:
        key, equals, _ = word.partition("=")
        if key.upper() in variables_of(name) and equals:
            given = f"{key.upper()}={word[len(key) + 1 :]}"
            raise UserError(f"{word} is a variable: write {given} before {start_command(name)}")
        if word.startswith("-") or not (key.strip() and equals or word.startswith("~")):
            raise UserError(
                f"{bash_quote(word)} is no veRL override, key=value; {help_command(name)} shows the variables"
            )
    if overrides and name in EXPERIMENTS and environment.get("METHOD") == "base":
        raise UserError(f"{overrides[0]}: METHOD=base trains nothing, and takes no veRL override; leave it out")


def variables_of(name: str) -> Sequence[str]:
    """Return the names of a run's variables."""
    return {"quickstart": quickstart.NAMES, "pretrain_tiny": pretrain_tiny.NAMES}.get(name, variables.NAMES)


def execute(run: Run) -> None:
    """Do a run, or with DRY_RUN=1 print its commands; see `ExperimentRun.run`."""
    if run.is_dry:
        for line in run.dry_run():
            say(line)
    else:
        os.chdir(run.folder)  # what checks read of overrides and REWARD is what commands will
        run.run()


def find_experiment(name: str) -> Experiment:
    """Return an experiment by its name.

    Raises:
        UserError: There is none; the message has the nearest.
    """
    if name not in EXPERIMENTS:
        raise UserError(f"no recipe {name!r}{guess(name, NAMES)}; `visual-rft recipes` lists them")
    return EXPERIMENTS[name]


def help_of(name: str) -> str:
    """Return what ``--help`` says of a run; see `find_experiment`."""
    texts = {"quickstart": quickstart.usage, "pretrain_tiny": pretrain_tiny.usage}
    return texts[name]() if name in texts else variables.usage(find_experiment(name))


def split_words(name: str, words: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Part ``key=value`` words into variables of a run and settings of veRL, which have a dot, or begin with + or ~.

    Raises:
        UserError: A word is neither; the message has the nearest variable.

    Example:
        >>> split_words("lisa_2b", ["method=sft", "LORA=8", "optim.lr=1e-5"])
        ({'METHOD': 'sft', 'LORA': '8'}, ['optim.lr=1e-5'])
    """
    names = variables_of(name)
    given, overrides = {}, []
    for word in words:
        key, equals, value = word.partition("=")
        if key.upper() in names and equals:
            given[key.upper()] = value
        elif _OVERRIDE.match(key):
            overrides.append(word)
        elif not equals:
            raise UserError(f"{word!r} is no key=value; for example seed=1")
        else:
            known = [variable.lower() for variable in names]
            raise UserError(
                f"{name} has no variable {key!r}{guess(key.lower(), known)}; it has {', '.join(known)}, and a setting "
                "of veRL has a dot"
            )
    return given, overrides
