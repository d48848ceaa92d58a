# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluate a predictions file, whatever its task. Needs neither a GPU nor torch nor veRL."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.atomic import write_json
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.answered import answered_parquet
from verl_visual_rft.evaluation.predictions import Prediction, read_existence_stage, read_predictions
from verl_visual_rft.evaluation.prepared import read_dataset
from verl_visual_rft.evaluation.results import Answered, Result, score_answers
from verl_visual_rft.tasks import load_task, task_names
from verl_visual_rft.tasks.metrics import metrics_of
from verl_visual_rft.tasks.registry import usable_tasks

AUTO = "auto"


@dataclass(frozen=True)
class Evaluation:
    """What a predictions file measures, and on what.

    Attributes:
        result: The metrics.
        parquet: The questions that were answered.
        dataset: Name of their data set, from the manifest beside them.
    """

    result: Result
    parquet: Path
    dataset: str

    def to_dict(self, out: Path) -> dict[str, Any]:
        """Return the content of a metrics file: ``data`` says what was asked, then those of the metrics.

        Args:
            out: The metrics file; the path of the parquet is relative to its folder.
        """
        place = os.path.relpath(self.parquet, out.parent)
        data = {"dataset": self.dataset, "split": self.parquet.stem, "parquet": place}
        return {"data": data, **self.result.to_dict()}

    def write(self, out: Path) -> None:
        """Write the metrics file, whole or not at all."""
        write_json(out, self.to_dict(out))


def evaluate(
    predictions: Path,
    data: Path,
    reward: str,
    task: str = AUTO,
    masks: Path | None = None,
    existence: Sequence[str] = (),
) -> Evaluation:
    """Measure the answers to one task against the prepared data.

    Args:
        predictions: File that `predict` wrote. All questions of the task must be answered; if an existence stage
            decided which were asked, as its meta file says, all that it let through.
        data: The prepared folder that it answers, or one of its parquet files.
        reward: Named reward to report the mean of.
        task: Only the answers to this task; "auto" when the file holds one task only.
        masks: For grounding, masks of the answered boxes that ``visual-rft segment`` made.
        existence: For detection, stages behind which AP is reported too: see `stages.measure_behind`.

    Raises:
        UserError: A file is missing, malformed or belongs to other data, a question is not answered or answered twice,
            the file holds several tasks or not the task that is asked for, or a second existence stage is asked for.
    """
    answered = read_predictions(predictions)
    task = _one_task(answered, task, predictions)
    metrics = metrics_of(load_task(task))
    for option, value in (("masks", masks), ("existence", existence)):
        if value and option not in metrics.options:
            raise UserError(
                f"--{option} is of {_tasks_with(option)}, and {predictions} is evaluated for {task}; leave it out"
            )
    stage = read_existence_stage(predictions)
    if existence and stage is not None:
        raise UserError(
            f"--existence {existence[0]}: {predictions} was predicted behind an existence stage already ({stage.mode}, "
            f"{stage.asked} of {stage.questions} questions); leave it out, or predict with --existence none"
        )
    answered = [prediction for prediction in answered if prediction.task == task]
    parquet = answered_parquet(data, answered, predictions, stage)
    scored = score_answers(answered, task, reward, predictions)
    result = metrics.measure(Answered(scored, predictions, parquet, reward, stage, existence, masks))
    return Evaluation(result, parquet, read_dataset(parquet.parent))


def _tasks_with(option: str) -> str:
    return " or ".join(name for name, task in usable_tasks().items() if option in metrics_of(task).options)


def _one_task(predictions: Sequence[Prediction], task: str, source: Path) -> str:
    if task not in (AUTO, *task_names()):
        raise UserError(f"unknown task {task!r}: use {AUTO}, {', '.join(task_names())}")
    held = sorted({prediction.task for prediction in predictions})
    if task == AUTO and len(held) > 1:
        raise UserError(f"{source} holds answers to {' and '.join(held)}; evaluate them one by one with --task")
    if task not in (AUTO, *held):
        raise UserError(f"{source} holds answers to {' and '.join(held)}, none to {task}")
    return held[0] if task == AUTO else task
