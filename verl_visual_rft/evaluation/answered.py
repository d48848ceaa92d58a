# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which prepared parquet a predictions file answers: the same questions, the same truths, none left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.stored_rows import extra, ground_truth, read_rows
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predictions import Prediction


def answered_parquet(data: Path, predictions: Sequence[Prediction], source: Path) -> Path:
    """Return the parquet of a prepared folder whose questions of one task are those that were answered.

    Args:
        data: A prepared folder, or one of its parquet files.
        predictions: Answers to questions of one task; not empty.
        source: The file that they are from, for errors.

    Raises:
        UserError: There is no parquet, or none fits: a picture that it lacks, another ground truth, a question that is
            not answered. The message says for each what does not fit.
    """
    candidates = [data] if data.is_file() else sorted(set(data.glob("*.parquet")) - set(data.glob("sft_*.parquet")))
    if not candidates:
        raise UserError(f"{data}: no such folder, or no parquet in it; give the folder that data prep wrote")
    misfits = {}
    for candidate in candidates:
        misfits[candidate] = _misfit(candidate, predictions)
        if not misfits[candidate]:
            return candidate
    reasons = "; ".join(f"{path.name}: {misfit}" for path, misfit in misfits.items())
    raise UserError(f"{source} does not answer the questions of {data}. {reasons}")


def _misfit(parquet: Path, predictions: Sequence[Prediction]) -> str:
    """Say why predictions do not answer the questions of a parquet; empty when they do."""
    answers = {prediction.index: prediction for prediction in predictions}
    if len(answers) < len(predictions):
        return "a row is answered twice, remove one"
    task, unanswered, questions = predictions[0].task, 0, 0
    for row in _questions(parquet, task):
        questions += 1
        answer = answers.pop(extra(row, "index"), None)
        if answer is None:
            unanswered += 1
        elif answer.image_id != extra(row, "image_id"):
            return f"row {answer.index} is about image {extra(row, 'image_id')}, the answer about {answer.image_id}"
        elif answer.ground_truth != ground_truth(row):
            return f"row {answer.index} has another ground truth; the data were prepared anew, run predict again"
    if answers:
        stranger = next(iter(answers.values()))
        return f"it has no {task} question with index {stranger.index} (image {stranger.image_id})"
    return f"{unanswered} of {questions} questions have no answer, let predict finish" if unanswered else ""


def _questions(parquet: Path, task: str) -> Iterable[dict[str, Any]]:
    rows = read_rows(parquet, ("ability", "reward_model", "extra_info"))
    return (row for row in rows if row.get("ability") == task)
