# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The rows of a run, refused before it starts where they are too few or too long, or cannot be scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.manifest import MANIFEST_NAME, load_manifest
from verl_visual_rft.datasets.stored_rows import extra, open_parquet, read_rows
from verl_visual_rft.datasets.tokens import TextTokens
from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.settings import Settings
from verl_visual_rft.prompts import PLACEHOLDER
from verl_visual_rft.rewards import load_reward
from verl_visual_rft.tasks import load_task


def check_rows(settings: Settings) -> None:
    """Refuse data that are too few for a step, or whose prompts are longer than the run admits.

    Lengths are those of the manifest; where it has none, or there is none, the prompts are counted.

    Raises:
        UserError: veRL would take no step at all (it drops the last, incomplete batch), or all rollouts of the long
            row would fail, every epoch.
    """
    counted = {file: _rows_of(file) for file in (*settings.train_files, *settings.val_files)}
    files = ", ".join(map(str, settings.train_files))
    if None not in (counts := [counted[file] for file in settings.train_files]):  # a file may be listed twice
        rows = sum(count or 0 for count in counts)
        used = rows if settings.most_rows is None else min(rows, settings.most_rows)
        if used < settings.prompts:
            of = f"{used} of {rows} rows (data.train_max_samples)" if used < rows else f"{rows} rows"
            raise UserError(
                f"{files}: {of} are less than one step of data.train_batch_size={settings.prompts}; "
                f"prepare more rows (SHOTS), or set data.train_batch_size={max(used, 1)} or less"
            )
    if empty := [str(file) for file in settings.val_files if counted[file] == 0]:
        raise UserError(f"{empty[0]}: it has no rows to validate on; data.val_files=null trains without validation")
    if settings.rollout is None:
        return
    for file in dict.fromkeys(settings.train_files):
        longest, where = None, str(file)
        if (file.parent / MANIFEST_NAME).is_file():
            counted_tokens = load_manifest(file.parent)["counts"].get("train", {}).get("most_prompt_tokens")
            longest = counted_tokens if isinstance(counted_tokens, int) else None
        if longest is None and file.is_file() and Path(settings.model).is_dir():
            longest, row = longest_prompt(file, Path(settings.model)) or (0, 0)
            where = f"{file}, row {row}"
        if longest and longest > settings.prompt_tokens:
            raise UserError(
                f"{where}: the longest prompt has {longest} tokens, more than data.max_prompt_length="
                f"{settings.prompt_tokens}; set it to {longest}, or prepare with --max-prompt-tokens"
            )


def longest_prompt(file: Path, model: Path) -> tuple[int, int] | None:
    """Return the length of the longest prompt of a file, in tokens, and its row.

    Pictures are not read: their tokens are in ``extra_info.image_tokens``. Rows without it, other people's, are passed
    over.

    Args:
        file: Parquet file of rows as `data_prep/` writes them.
        model: Folder with the tokenizer that the prompts will meet.

    Returns:
        None if no row says how many tokens its picture has.

    Raises:
        UserError: The file cannot be read, or the folder holds no tokenizer with a chat template.
    """
    text_tokens = None
    longest = None
    for number, row in enumerate(read_rows(file, ("prompt", "extra_info"))):
        visual: int | None = extra(row, "image_tokens")
        chat: list[dict[str, str]] = row.get("prompt") or []
        if visual is None or len(chat) != 1:
            continue
        text_tokens = text_tokens or TextTokens(model)
        tokens = visual + text_tokens.count(PLACEHOLDER.sub("", chat[0]["content"], count=1))
        longest = max(longest or (0, 0), (tokens, number))
    return longest


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


def _rows_of(file: Path) -> int | None:
    """Return how many rows a file has; None where veRL reads it otherwise (JSON, a remote one)."""
    if file.suffix != ".parquet" or str(file).startswith("hdfs:"):
        return None
    return int(open_parquet(file).metadata.num_rows)
