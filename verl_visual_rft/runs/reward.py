# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The variable REWARD, refused before anything is installed, drawn or downloaded for it."""

from __future__ import annotations

from pathlib import Path

from verl_visual_rft.errors import PackageMissingError, UserError
from verl_visual_rft.rewards import load_reward
from verl_visual_rft.rewards.composition import is_yaml
from verl_visual_rft.runs.paths import work_folder
from verl_visual_rft.runs.words import bash_quote


def check_reward(reward: str, task: str, caller: Path) -> None:
    """Refuse a reward that there is none of, or that does not score a task.

    A package that it needs may be missing: a recipe checks its variables before it installs what is missing, and the
    run asks again when it starts.

    Args:
        reward: What REWARD is.
        task: What the run asks.
        caller: Folder that the user is in.

    Raises:
        UserError: The message names the nearest reward, or what scores the task.
    """
    try:
        load_reward(str(work_folder(caller) / reward) if is_yaml(reward) else reward).require(task)
    except PackageMissingError:
        return
    except UserError as error:
        raise UserError(f"REWARD={bash_quote(reward)}: {error}") from error
