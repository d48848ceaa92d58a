# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The rows that ended a run, kept for the person who looks for the cause."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import transfer_queue as tq

from verl_visual_rft.atomic import write_json
from verl_visual_rft.training.run_mark import RUN_MARK

#: What is kept of a response, where the transfer queue has it.
_COLUMNS = ("data_source", "ability", "extra_info", "reward_model", "prompts", "responses", "extra_fields", "rm_scores")


def run_folder(otherwise: str) -> Path:
    """Return the folder of the launcher's run; ``otherwise`` where there is no launcher."""
    return Path(os.environ.get(RUN_MARK) or otherwise)


def row_name(row: Mapping[str, Any]) -> str:
    """Say which row of which data a response belongs to."""
    extra_info = row.get("extra_info") or {}
    named = [f"{key} {extra_info[key]}" for key in ("split", "index", "image_id") if key in extra_info]
    return f"row of {row.get('data_source')}" + (f" ({', '.join(named)})" if named else "")


class StoppedRows:
    """Writes ``stopped_rows.step_<n>.json``: why the run ended, and prompt, response and reward of each row.

    Args:
        folder: Of the run.
        tokenizer: The model's.
    """

    def __init__(self, folder: Path, tokenizer: Any) -> None:
        self._folder, self._tokenizer = folder, tokenizer

    def save(self, why: str, step: int, keys: Sequence[str], partition_id: str) -> Path:
        """Write the rows of responses that are in the transfer queue; return the file.

        Raises:
            UserError: The file cannot be written.
        """
        rows: list[dict[str, Any]] = []
        if keys:
            data = tq.kv_batch_get(keys=list(keys), partition_id=partition_id, select_fields=list(_COLUMNS))
            columns = {name: list(data[name]) for name in _COLUMNS if name in data.keys()}
            rows = [{name: column[i] for name, column in columns.items()} for i in range(len(keys))]
        return self.write(why, step, [self._described(key, row) for key, row in zip(keys, rows, strict=True)])

    def write(self, why: str, step: int, rows: Iterable[Mapping[str, Any]]) -> Path:
        """Write rows as they are; return the file."""
        path = self._folder / f"stopped_rows.step_{step}.json"
        write_json(path, as_json({"why": why, "step": step, "rows": list(rows)}))
        return path

    def text(self, tokens: Any) -> str:
        """Decode token ids without the tokens that stand for pixels, the end of the answer and padding."""
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))

    def _described(self, key: str, row: Mapping[str, Any]) -> dict[str, Any]:
        described: dict[str, Any] = {"row": row_name(row), "response_key": key}
        for name, field in (("prompt", "prompts"), ("response", "responses")):
            if field in row:
                described[name] = self.text(row[field])
        if "rm_scores" in row:
            described["score"] = row["rm_scores"].sum().item()
        if "extra_fields" in row:
            described["reward"] = dict(row["extra_fields"].get("reward_extra_info") or {})
        if "reward_model" in row:
            described["ground_truth"] = row["reward_model"].get("ground_truth")
        return described


def as_json(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN and infinity as words, what it does not know as text.

    Example:
        >>> as_json({"score": float("nan"), "boxes": (1, 2.5)})
        {'score': 'nan', 'boxes': [1, 2.5]}
    """
    if isinstance(value, Mapping):
        return {str(name): as_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if hasattr(value, "tolist"):  # of numpy and torch
        return as_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
