# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Ask a checkpoint every question of an evaluation parquet; stopped at any point, it goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.atomic import write_json
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.vllm_engine import Answer, VllmEngine

COLUMNS = ("prompt", "images", "reward_model", "extra_info")


@dataclass(frozen=True)
class PredictResult:
    """What a prediction run did: answers in the file, how many were there from before, and seconds spent now."""

    out: Path
    n: int
    resumed: int
    seconds: float


def predict(
    model: Path,
    data: Path,
    out: Path,
    *,
    max_tokens: int = 1024,
    max_model_len: int = 4096,
    batch: int = 128,
    seed: int = 0,
    dtype: str = "auto",
) -> PredictResult:
    """Write greedy answers for every row of ``data`` to ``out``, and how they were made to ``*.meta.json`` beside it.

    Answers are appended batch by batch to a partial file named after the model, the data and the settings; the same
    call after a kill goes on behind the last whole batch. ``out`` appears only when it is complete.

    Args:
        model: Checkpoint folder in Hugging Face format.
        data: Evaluation parquet, e.g. ``val.parquet`` of a prepared folder.
        out: Predictions file to write, e.g. ``predictions.jsonl``.
        max_tokens: Longest answer; the published evaluation allows 1024.
        max_model_len: Longest prompt plus answer, visual tokens included.
        batch: Rows handed to the engine, and saved, at a time.
        seed: Engine seed.
        dtype: ``auto`` (float32 on a CPU, bfloat16 elsewhere) or a name that vLLM knows.

    Raises:
        UserError: The model or the data is missing or empty, or a row cannot be asked.
    """
    started = time.monotonic()
    total = _count_rows(data)
    if not (model / "config.json").is_file():
        raise UserError(f"{model}: no config.json; give the folder of a model exported to Hugging Face format")
    data_sha256 = _sha256(data)
    identity = [_model_files(model), data_sha256, max_tokens, max_model_len, seed, dtype, batch]
    fingerprint = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]
    partial = out.with_name(f"{out.name}.{fingerprint}.partial")
    out.parent.mkdir(parents=True, exist_ok=True)
    resumed = _keep_whole_batches(partial, batch, total)

    engine = VllmEngine(model, max_tokens=max_tokens, max_model_len=max_model_len, seed=seed, dtype=dtype)
    with partial.open("ab") as file, _Progress(total, resumed) as progress:
        for rows in _batches(data, batch, skip=resumed):
            answers = engine.answer(rows)
            lines = [_prediction(row, answer).to_line() for row, answer in zip(rows, answers, strict=True)]
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())
            progress.advance(len(rows))

    seconds = time.monotonic() - started
    description = {
        "model": str(model),
        "data": str(data),
        "data_sha256": data_sha256,
        **engine.describe(),
        "batch": batch,
        "pixel_budgets": _pixel_budgets(data),
        "seconds": round(seconds, 1),
        "n": total,
        "resumed": resumed,
    }
    write_json(meta_path(out), description)
    os.replace(partial, out)
    return PredictResult(out, total, resumed, seconds)


def meta_path(predictions: Path) -> Path:
    """``predictions.jsonl`` to ``predictions.meta.json``."""
    return predictions.with_suffix(".meta.json")


class _Progress:
    """A live bar on a terminal; a line a batch elsewhere, so that whoever reads a pipe sees the rate as well."""

    def __init__(self, total: int, done: int) -> None:
        self._console = Console()
        self._total, self._done, self._before = total, done, done
        self._started = time.monotonic()
        columns = (
            "predict",
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._task = self._bar.add_task("predict", total=total, completed=done, rate="")

    def __enter__(self) -> _Progress:
        self._bar.start()
        if self._done:
            self._console.print(f"predict: {self._done} of {self._total} answers are there from before")
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def advance(self, rows: int) -> None:
        self._done += rows
        rate = (self._done - self._before) / (time.monotonic() - self._started)
        self._bar.update(self._task, completed=self._done, rate=f"{rate:.1f} rows/s")
        if not self._console.is_terminal:
            left = (self._total - self._done) / rate
            self._console.print(f"predict: {self._done}/{self._total}, {rate:.1f} rows/s, {left:.0f} s left")


def _count_rows(data: Path) -> int:
    if not data.is_file():
        raise UserError(f"{data}: no such file; prepare the data first")
    table = pq.ParquetFile(data)
    missing = [name for name in COLUMNS if name not in table.schema_arrow.names]
    if missing:
        raise UserError(f"{data}: columns {missing} are missing; prepare the data again")
    rows: int = table.metadata.num_rows
    if rows == 0:
        raise UserError(f"{data}: no rows; prepare the data again")
    return rows


def _batches(data: Path, size: int, skip: int) -> Iterator[list[dict[str, Any]]]:
    batches = pq.ParquetFile(data).iter_batches(batch_size=size, columns=list(COLUMNS))
    rows = (row for batch in batches for row in batch.to_pylist())
    rest = islice(rows, skip, None)
    while chunk := list(islice(rest, size)):
        yield chunk


def _prediction(row: dict[str, Any], answer: Answer) -> Prediction:
    extra = row["extra_info"]
    return Prediction(
        index=extra["index"],
        image_id=extra["image_id"],
        category=extra["category"],
        category_id=extra["category_id"],
        width=extra["width"],
        height=extra["height"],
        ground_truth=row["reward_model"]["ground_truth"],
        response=answer.text,
        response_tokens=answer.tokens,
        finish_reason=answer.finish_reason,
    )


def _keep_whole_batches(partial: Path, batch: int, total: int) -> int:
    """Cut a partial file behind its last whole batch and return the rows left, so that batches stay the same."""
    if not partial.exists():
        return 0
    lines = [line for line in partial.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    rows = len(lines) if len(lines) == total else len(lines) // batch * batch
    with partial.open("r+b") as file:
        file.truncate(sum(len(line) for line in lines[:rows]))
    return rows


def _model_files(model: Path) -> list[tuple[str, int, int]]:
    files = sorted([*model.glob("*.safetensors"), *model.glob("*.json")])
    return [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _pixel_budgets(data: Path) -> list[dict[str, int]]:
    """The distinct pixel budgets of the rows; data prep writes one."""
    budgets: set[tuple[int, int]] = set()
    for part in pq.ParquetFile(data).iter_batches(batch_size=256, columns=["images"]):
        images = pc.list_flatten(part["images"])
        low, high = (pc.struct_field(images, name).to_pylist() for name in ("min_pixels", "max_pixels"))
        budgets.update(zip(low, high, strict=True))
    return [{"min_pixels": low, "max_pixels": high} for low, high in sorted(budgets)]
