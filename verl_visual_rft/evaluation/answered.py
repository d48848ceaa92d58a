# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which prepared parquet a predictions file answers: the same questions, the same truths, none left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from verl_visual_rft.datasets.stored_rows import extra, ground_truth, read_rows
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predictions import ExistenceStage, Prediction

_ABOUT = ("image_id", "category", "category_id", "width", "height")


def answered_parquet(
    data: Path, predictions: Sequence[Prediction], source: Path, stage: ExistenceStage | None = None
) -> Path:
    """Return the parquet of a prepared folder whose questions of one task are those that were answered.

    Args:
        data: A prepared folder, or one of its parquet files.
        predictions: Answers to different questions of one task, as `read_predictions` gives them; not empty.
        source: The file that they are from, for errors.
        stage: The existence stage that they were made behind: then as many questions are answered as it let through.

    Raises:
        UserError: There is no parquet, or none fits: a picture that it lacks, another ground truth, a question that is
            not answered. The message is about the parquet that most answers belong to, and names the first line of
            ``source`` that does not fit.
    """
    candidates = [data] if data.is_file() else sorted(set(data.glob("*.parquet")) - set(data.glob("sft_*.parquet")))
    if not candidates:
        raise UserError(f"{data}: no such folder, or no parquet in it; give the folder that data prep wrote")
    fits = []
    for candidate in candidates:
        fits.append(_compare(candidate, predictions, stage))
        if not fits[-1].problem:
            return candidate
    raise UserError(f"{source}: {max(fits, key=lambda fit: fit.answered).problem}")


@dataclass(frozen=True)
class _Fit:
    """How many questions of a parquet are answered, and the first thing that does not fit; empty when all does."""

    answered: int
    problem: str


def _compare(parquet: Path, predictions: Sequence[Prediction], stage: ExistenceStage | None) -> _Fit:
    unmatched = {prediction.index: prediction for prediction in predictions}
    task, answered, unanswered, problems = predictions[0].task, 0, list[dict[str, Any]](), list[str]()
    for row in _questions(parquet, task):
        answer = unmatched.pop(extra(row, "index"), None)
        if answer is None:
            unanswered.append(row)
        elif problem := _difference(answer, row, parquet):
            problems.append(problem)
        else:
            answered += 1
    problems += [
        f"line {answer.line}: {parquet} has no {task} question with index {answer.index} (image {answer.image_id}); "
        "give the data that were asked about"
        for answer in unmatched.values()
    ]
    if stage is None and unanswered:
        first = unanswered[0]
        problems.append(
            f"{len(unanswered)} of {answered + len(unanswered)} {task} questions of {parquet} have no answer, the "
            f"first of them index {extra(first, 'index')} (image {extra(first, 'image_id')}); run predict again"
        )
    if stage is not None and answered != stage.asked:
        problems.append(
            f"{answered} answers, and the existence stage ({stage.mode}) let {stage.asked} questions through, says its "
            "meta file; run predict again"
        )
    return _Fit(answered, problems[0] if problems else "")


def _difference(answer: Prediction, row: dict[str, Any], parquet: Path) -> str:
    """Say what an answer and its question do not agree on; empty where they agree."""
    asked = {key: extra(row, key) for key in _ABOUT} | {"ground_truth": ground_truth(row)}
    for key, value in asked.items():
        said = getattr(answer, key)
        if said != value:
            return (
                f"line {answer.line}: {key} of index {answer.index} is {shortened(said)}, in {parquet} it is "
                f"{shortened(value)}; give the data that were asked about, or run predict again"
            )
    return ""


def _questions(parquet: Path, task: str) -> Iterable[dict[str, Any]]:
    rows = read_rows(parquet, ("ability", "reward_model", "extra_info"))
    return (row for row in rows if row.get("ability") == task)
