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
from verl_visual_rft.evaluation.classification import measure_classification
from verl_visual_rft.evaluation.detection import require_known
from verl_visual_rft.evaluation.grounding import measure_grounding
from verl_visual_rft.evaluation.predictions import Prediction, read_existence_stage, read_predictions
from verl_visual_rft.evaluation.prepared import load_truth, read_dataset
from verl_visual_rft.evaluation.results import Result, score_answers
from verl_visual_rft.evaluation.stages import measure_asked, measure_behind
from verl_visual_rft.tasks import task_names

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
    if masks is not None and task != "grounding":
        raise UserError(f"{masks}: masks are of grounding, and {predictions} is evaluated for {task}; leave them out")
    if existence and task != "detection":
        raise UserError(f"--existence is of detection, and {predictions} is evaluated for {task}; leave it out")
    stage = read_existence_stage(predictions)
    if existence and stage is not None:
        raise UserError(
            f"--existence {existence[0]}: {predictions} was predicted behind an existence stage already ({stage.mode}, "
            f"{stage.asked} of {stage.questions} questions); leave it out, or predict with --existence none"
        )
    answered = [prediction for prediction in answered if prediction.task == task]
    parquet = answered_parquet(data, answered, predictions, stage)
    scored = score_answers(answered, task, reward, predictions)
    result: Result
    if task == "detection":
        truth = load_truth(parquet.parent)
        require_known(answered, truth, predictions)
        if stage is not None:
            result = measure_asked(scored, truth, reward, stage)
        else:
            result = measure_behind(scored, truth, reward, existence)
    elif task == "classification":
        result = measure_classification(scored, reward)
    else:
        result = measure_grounding(scored, reward, parquet, masks)
    return Evaluation(result, parquet, read_dataset(parquet.parent))


def _one_task(predictions: Sequence[Prediction], task: str, source: Path) -> str:
    if task not in (AUTO, *task_names()):
        raise UserError(f"unknown task {task!r}: use {AUTO}, {', '.join(task_names())}")
    held = sorted({prediction.task for prediction in predictions})
    if task == AUTO and len(held) > 1:
        raise UserError(f"{source} holds answers to {' and '.join(held)}; evaluate them one by one with --task")
    if task not in (AUTO, *held):
        raise UserError(f"{source} holds answers to {' and '.join(held)}, none to {task}")
    return held[0] if task == AUTO else task
