# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The settings under which a resumed run is the uninterrupted one, kept in each checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object
from verl_visual_rft.terminal import say

_FILE = "conditions.json"
_LOADERS = "data.dataloader_num_workers"
_ROWS = "rows of data.train_files"
#: What decides which rows a step sees, how they are answered and how much is learnt from them.
_KEYS = (
    "data.train_files",
    "data.train_batch_size",
    "data.shuffle",
    "data.seed",
    "actor_rollout_ref.rollout.n",
    "actor_rollout_ref.rollout.seed",
    "actor_rollout_ref.rollout.temperature",
    "actor_rollout_ref.actor.optim.lr",
    "actor_rollout_ref.actor.optim.lr_scheduler_type",
    "actor_rollout_ref.actor.optim.total_training_steps",
    "algorithm.adv_estimator",
    "visual_rft.reward",
    "reward.custom_reward_function",
)


def write_conditions(folder: Path, config: Any, rows: int) -> None:
    """Write the settings that must stay, and the number of rows, into a checkpoint."""
    (folder / _FILE).write_text(json.dumps(_conditions(config, rows), indent=2) + "\n", encoding="utf-8")


def note_changes(folder: Path, config: Any, rows: int) -> None:
    """Say which of those settings a resumed run changes; a changed one is allowed, but not by accident.

    The horizon of the learning rate is among them: it is computed anew from the number of steps at each start, so a
    longer run does not go on along the old line.

    Raises:
        UserError: The number of the data loader's processes is another, or there are fewer rows than before:
            torchdata cannot go on from its position then, and says so by an AssertionError or a StopIteration.
    """
    file = folder / _FILE
    if not file.is_file():  # plain veRL's
        return
    written, now = read_json_object(file, "remove it to resume without the comparison"), _conditions(config, rows)
    changed = [key for key in now if key in written and written[key] != now[key]]
    if _LOADERS in changed:
        raise UserError(
            f"{folder}: written with {_LOADERS}={written[_LOADERS]}, without which the position in the data cannot be "
            f"read, and this run has {now[_LOADERS]}; set it so again"
        )
    if _ROWS in changed and rows < written[_ROWS]:
        raise UserError(
            f"{folder}: written when there were {written[_ROWS]} {_ROWS}, and now there are {rows}: its position "
            "in them is lost; give the earlier data, or begin a new run in another folder"
        )
    for key in changed:
        say(f"visual-rft: {folder.name} was written with {key}={written[key]}, and the run goes on with {now[key]}")


def _conditions(config: Any, rows: int) -> dict[str, Any]:
    from omegaconf import OmegaConf

    chosen = {key: OmegaConf.select(config, key) for key in (*_KEYS, _LOADERS)}
    values = {key: OmegaConf.to_object(value) if OmegaConf.is_config(value) else value for key, value in chosen.items()}
    return values | {_ROWS: rows}
