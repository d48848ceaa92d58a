# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Whether every row has a task that is installed and a reward that scores it, before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.stored_rows import extra, read_rows
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward
from verl_visual_rft.tasks import load_task


def check_rewarded(files: Sequence[Path], reward: str | Mapping[str, Any]) -> None:
    """Refuse rows that the run cannot score; rows of no task are passed over.

    Args:
        files: Prepared parquet files; others, and those that are not there, are passed over.
        reward: The run's; a row may name its own.

    Raises:
        UserError: A row's task is not installed, its reward cannot be loaded, or does not score the task. The message
            names file and row.
    """
    for file in dict.fromkeys(files):
        if file.suffix != ".parquet" or not file.is_file():
            continue
        for number, task, own in _kinds(file):
            where = f"{file}, row {number}"
            try:
                load_task(task)
                loaded = load_reward(own or reward)
            except UserError as error:
                raise UserError(f"{where}: {error}") from error
            if task not in loaded.scorers:
                raise UserError(
                    f"{where}: reward {loaded.name!r} cannot score {task}, only {', '.join(loaded.scorers)}; set one "
                    "that does (visual-rft reward list), or give the rows of this task one of their own (--reward)"
                )


def _kinds(file: Path) -> Iterator[tuple[int, str, str | None]]:
    """Give number, task and own reward of the first row of each kind."""
    seen: set[tuple[Any, Any]] = set()
    for number, row in enumerate(read_rows(file, ("ability", "extra_info"))):
        kind = (row.get("ability"), extra(row, "reward") or None)
        if kind[0] is not None and kind not in seen:  # else the reward manager says what the row lacks
            seen.add(kind)
            yield number, str(kind[0]), kind[1]
