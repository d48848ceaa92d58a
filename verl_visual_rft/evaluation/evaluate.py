# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluate a predictions file, whatever its task. Needs neither a GPU nor torch nor veRL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.answered import answered_parquet
from verl_visual_rft.evaluation.classification import measure_classification
from verl_visual_rft.evaluation.detection import measure_detection, require_known
from verl_visual_rft.evaluation.grounding import measure_grounding
from verl_visual_rft.evaluation.predictions import Prediction, read_predictions
from verl_visual_rft.evaluation.prepared import load_truth
from verl_visual_rft.evaluation.results import Result, score_answers
from verl_visual_rft.evaluation.stages import measure_behind
from verl_visual_rft.truths import TASKS

AUTO = "auto"


def evaluate(
    predictions: Path,
    data: Path,
    reward: str,
    task: str = AUTO,
    masks: Path | None = None,
    existence: Sequence[str] = (),
) -> Result:
    """Measure the answers to one task against the prepared data.

    Args:
        predictions: File that `predict` wrote.
        data: The prepared folder that it answers.
        reward: Named reward to report the mean of.
        task: Only the answers to this task; "auto" when the file holds one task only.
        masks: For grounding, masks of the answered boxes that ``visual-rft segment`` made.
        existence: For detection, stages behind which AP is reported too: see `stages.measure_behind`.

    Raises:
        UserError: A file is missing, malformed or belongs to other data, or the file holds several tasks or not the
            task that is asked for.
    """
    answered = read_predictions(predictions)
    task = _one_task(answered, task, predictions)
    if masks is not None and task != "grounding":
        raise UserError(f"{masks}: masks are of grounding, and {predictions} is evaluated for {task}; leave them out")
    if existence and task != "detection":
        raise UserError(f"--existence is of detection, and {predictions} is evaluated for {task}; leave it out")
    answered = [prediction for prediction in answered if prediction.task == task]
    if task == "detection":
        return _detection(answered, data, reward, existence, predictions)
    parquet = answered_parquet(data, answered, predictions)
    scored = score_answers(answered, task, reward, predictions)
    if task == "classification":
        return measure_classification(scored, reward)
    return measure_grounding(scored, reward, parquet, masks)


def _detection(
    answered: Sequence[Prediction], data: Path, reward: str, existence: Sequence[str], source: Path
) -> Result:
    truth = load_truth(data)
    require_known(answered, truth, source)
    scored = score_answers(answered, "detection", reward, source)
    return measure_behind(scored, truth, reward, existence) if existence else measure_detection(scored, truth, reward)


def _one_task(predictions: Sequence[Prediction], task: str, source: Path) -> str:
    if task not in (AUTO, *TASKS):
        raise UserError(f"unknown task {task!r}: use {AUTO}, {', '.join(TASKS)}")
    held = sorted({prediction.task for prediction in predictions})
    if task == AUTO and len(held) > 1:
        raise UserError(f"{source} holds answers to {' and '.join(held)}; evaluate them one by one with --task")
    if task not in (AUTO, *held):
        raise UserError(f"{source} holds answers to {' and '.join(held)}, none to {task}")
    return held[0] if task == AUTO else task
