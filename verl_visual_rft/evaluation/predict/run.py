# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Ask a model every question of an evaluation parquet; stopped at any point, it goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.atomic import write_json
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.existence.gate import Gated, existence_identity, gate
from verl_visual_rft.evaluation.predict.engines.engine import Engine, EngineSettings, Response, Row
from verl_visual_rft.evaluation.predict.journal import Journal
from verl_visual_rft.evaluation.predict.rows import (
    describe_question,
    pixel_budgets,
    read_questions,
    row_batches,
)
from verl_visual_rft.evaluation.predictions import Prediction, meta_path
from verl_visual_rft.input_files import read_json_object, sha256_of
from verl_visual_rft.locks import alone
from verl_visual_rft.progress import RowProgress
from verl_visual_rft.terminal import say


@dataclass(frozen=True)
class PredictResult:
    """What a prediction run did: answers in the file, how many were there from before, and seconds spent now."""

    out: Path
    n: int
    resumed: int
    seconds: float


def predict(settings: EngineSettings, data: Path, out: Path, *, existence: str = "none") -> PredictResult:
    """Write answers to the rows of ``data`` to ``out``, and how they were made to ``*.meta.json`` beside it.

    Answers are appended as they come to a journal beside ``out``, named after the model, the data and the settings; the
    same call after a kill asks what is not in it, in the same batches. ``out`` appears only when it is complete, in the
    order of the rows, and is kept as it is by the same call.

    Args:
        settings: The engine.
        data: Evaluation parquet, e.g. ``val.parquet`` of a prepared folder.
        out: Predictions file to write, e.g. ``predictions.jsonl``.
        existence: ``none`` asks every question; ``self``, ``oracle`` and a map's file only those whose category is
            called present (`existence.gate`). ``self`` also leaves ``*.existence.json``, its map.

    Raises:
        UserError: Model or data are missing or unusable, a row cannot be asked, or the engine gave up. The answers
            until then are kept.
    """
    started = time.monotonic()
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; give the file to write, {out / 'predictions.jsonl'} say")
    questions = read_questions(data)
    identity = settings.identity() | {"data_sha256": sha256_of(data), "existence": existence_identity(existence)}
    fingerprint = hashlib.sha256(json.dumps(identity, default=str).encode()).hexdigest()[:12]
    finished = _answers_of(out, fingerprint)
    if finished is not None:
        say(f"predict: {out} is complete, made with the same settings; kept")
        return PredictResult(out, finished, finished, time.monotonic() - started)

    journal = out.with_name(f"{out.name}.{fingerprint}.partial")
    existence_journal = out.with_name(f"{out.name}.{fingerprint}.existence.partial")
    _mention_others(out, fingerprint)
    with Journal(journal) as answers, closing(settings.load()) as engine:
        asking = _Asking(engine, settings.batch, data)

        def ask_existence(reword: Callable[[Row], Row]) -> Mapping[int, str]:
            with Journal(existence_journal) as said:
                asking.ask("existence", questions, said, reword)
                return {index: record["response"] for index, record in said.records.items()}

        gated = gate(questions, existence, ask_existence)
        if gated.summary:
            say(gated.summary)
        resumed = asking.ask("predict", gated.asked, answers)
        seconds = time.monotonic() - started
        description = {
            "data": str(data),
            "data_sha256": identity["data_sha256"],
            **engine.describe(),
            "pixel_budgets": pixel_budgets(data),
            "existence": gated.description,
            "seconds": round(seconds, 1),
            "n": len(gated.asked),
            "resumed": resumed,
            "fingerprint": fingerprint,
        }
        _finish(out, gated, answers.records, description)
        answers.delete()
        existence_journal.unlink(missing_ok=True)
    return PredictResult(out, len(gated.asked), resumed, seconds)


def existence_path(predictions: Path) -> Path:
    """``predictions.jsonl`` to ``predictions.existence.json``."""
    return predictions.with_suffix(".existence.json")


@dataclass(frozen=True)
class _Asking:
    """An engine and the rows that it is asked."""

    engine: Engine
    batch: int
    data: Path

    def ask(
        self, label: str, questions: Sequence[Row], journal: Journal, reword: Callable[[Row], Row] = lambda row: row
    ) -> int:
        """Bring the answers to ``questions`` into the journal; return how many were there before."""
        indexes = [question["extra_info"]["index"] for question in questions]
        batches = [indexes[start : start + self.batch] for start in range(0, len(indexes), self.batch)]
        # A batch that is there in part is asked again as a whole: what an answer is may depend on its batch.
        pending = [batch for batch in batches if not journal.records.keys() >= {*batch}]
        before = len(indexes) - sum(map(len, pending))
        with RowProgress(label, len(indexes), before, stderr=False) as progress:
            try:
                for rows, answers in self.engine.answer(row_batches(self.data, pending, reword)):
                    journal.append([_record(row, answer) for row, answer in zip(rows, answers, strict=True)])
                    progress.advance(len(rows))
            except UserError as error:
                kept = sum(index in journal.records for index in indexes)
                raise UserError(f"{error}\n  ({kept} of {len(indexes)} answers are kept for the next run)") from error
        return before


def _record(row: Row, answer: Response) -> dict[str, Any]:
    return {
        "index": row["extra_info"]["index"],
        "response": answer.text,
        "response_tokens": answer.tokens,
        "finish_reason": answer.finish_reason,
    }


def _answers_of(out: Path, fingerprint: str) -> int | None:
    """Return how many answers a finished file of the same settings holds; None when there is none."""
    try:
        meta = read_json_object(meta_path(out), "run predict again")
        same = meta["fingerprint"] == fingerprint and meta["predictions_sha256"] == sha256_of(out)
        return int(meta["n"]) if same else None
    except (OSError, UserError, ValueError, TypeError, KeyError):
        return None


def _mention_others(out: Path, fingerprint: str) -> None:
    """Say which unfinished answers lie beside ``out`` and do not belong to this run."""
    for journal in sorted(out.parent.glob(f"{out.name}.*.partial")):
        if not journal.name.startswith(f"{out.name}.{fingerprint}."):
            say(f"predict: {journal} holds answers of another model, server, data or settings; left as it is")


def _finish(out: Path, gated: Gated, records: Mapping[int, dict[str, Any]], description: Mapping[str, Any]) -> None:
    """Write the files beside ``out``, then ``out`` itself, whole."""
    lines = (
        Prediction(**describe_question(question) | records[question["extra_info"]["index"]]).to_line()
        for question in gated.asked
    )
    temporary = out.with_name(f"{out.name}.{description['fingerprint']}.tmp")
    kept = "the answers are kept, run the same command again"
    try:
        with alone(out, out.with_name(f".{out.name}.lock")):
            try:
                with temporary.open("wb") as file:
                    file.writelines(line.encode() for line in lines)
                    file.flush()
                    os.fsync(file.fileno())
                if gated.own_map is not None:
                    write_json(existence_path(out), gated.own_map.to_json())
                write_json(meta_path(out), {**description, "predictions_sha256": sha256_of(temporary)})
                os.replace(temporary, out)
            except UserError as error:
                raise UserError(f"{error}; {kept}") from error
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}; {kept}") from error
