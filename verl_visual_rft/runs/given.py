# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Variables as users give them: words, each checked before it is used. Empty is as good as not given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from verl_visual_rft.errors import PackageMissingError, UserError
from verl_visual_rft.rewards import load_reward
from verl_visual_rft.rewards.composition import is_yaml
from verl_visual_rft.runs.paths import work_folder
from verl_visual_rft.runs.words import bash_quote

_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_LARGEST = 10**9 - 1


class Given:
    """Reads variables from an environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str = "") -> str:
        """Return a variable as it is."""
        return self._environment.get(name) or default

    def choice(self, name: str, *choices: str, default: str = "") -> str:
        """Return one of some words; where the variable is not given the default, else the first of them.

        Raises:
            UserError: It is another.
        """
        value = self.text(name, default or choices[0])
        if value not in choices:
            raise UserError(f"{name}={bash_quote(value)} is unknown; choose one of: {' '.join(choices)}")
        return value

    def switch(self, name: str) -> bool:
        """Return whether a variable is 1 rather than 0, which it is where it is not given."""
        return self.choice(name, "0", "1") == "1"

    def number(self, name: str, default: int, least: int = 0) -> int:
        """Return a whole number of at most nine digits.

        Raises:
            UserError: It is none, or less than ``least``.
        """
        value = self.text(name, str(default))
        if not _NUMBER.fullmatch(value) or int(value) < least:
            raise UserError(f"{name}={bash_quote(value)} is not a whole number from {least} to {_LARGEST}")
        return int(value)


def check_utf8(*texts: str) -> None:
    """Refuse what cannot become a name in files, JSON and parquet."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UserError(f"{bash_quote(text)} is not UTF-8; give it another name") from None


def check_no_reference(**values: str) -> None:
    """Refuse ``${`` in names: veRL resolves references twice, so no quoting would keep it as it is."""
    for name, value in values.items():
        if "${" in value:
            raise UserError(f"{name}={value}: veRL takes ${{ for a reference; give it another name")


def check_reward(reward: str, task: str, caller: Path) -> None:
    """Refuse a reward that there is none of, or that does not score a task.

    A package that it needs may be missing: a recipe checks its variables before it installs what is missing, and the
    run asks again when it starts.

    Raises:
        UserError: The message names the nearest reward, or what scores the task.
    """
    try:
        load_reward(str(work_folder(caller) / reward) if is_yaml(reward) else reward).require(task)
    except PackageMissingError:
        return
    except UserError as error:
        raise UserError(f"REWARD={bash_quote(reward)}: {error}") from error
