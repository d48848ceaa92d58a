# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of the task on validation, while a run trains: AP, accuracy, mean IoU, over all questions that were asked.

veRL averages what the reward reports over the responses that came back (verl 0.9.1 ``metric_utils.py:955``). AP is no
mean over responses, and a question whose session failed counts here as missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from verl_visual_rft.datasets.stored_rows import extra, ground_truth
from verl_visual_rft.tasks import Sample, load_task, make_sample
from verl_visual_rft.tasks.metrics import metrics_of

#: Columns of a row that its question is read from.
COLUMNS = ("data_source", "ability", "reward_model", "extra_info")


@dataclass(frozen=True)
class ValidationQuestion:
    """A question of the validation data.

    Attributes:
        source: Its data source; metrics are grouped by it.
        task: Name of the task.
        category: The category that is asked for; AP is a mean over them.
        ground_truth: As the row has it.
    """

    source: str
    task: str
    category: str
    ground_truth: str | Mapping[str, Any]


def read_questions(rows: Iterable[Mapping[str, Any]]) -> list[ValidationQuestion]:
    """Read the questions of validation rows, in their order."""
    return [
        ValidationQuestion(
            str(row["data_source"]), row["ability"], str(extra(row, "category") or ""), ground_truth(row)
        )
        for row in rows
    ]


def task_metrics(
    questions: Sequence[ValidationQuestion], responses: Sequence[Sequence[str | None]]
) -> dict[str, float]:
    """Metrics of the task by data source, in percent, as ``visual-rft eval`` has them but without intervals.

    Args:
        questions: All that were asked.
        responses: The responses to each, at least one, ``None`` for one that failed to come. Where there are several
            (``val_kwargs.n``), a metric is the mean of those over the first responses, the second ones, and so on.

    Returns:
        ``val/<source>/...``, or ``val/<source>.<task>/...`` where another task of the data has a metric of that name:

        - what the task measures quickly: ``ap``, ``ap50``, ``ap75`` of detection (`quick_ap`), ``accuracy`` of
          classification, ``miou`` of grounding;
        - ``missing``: share of the responses that failed to come; they count as missed and wrong.

    Example:
        >>> asked = [ValidationQuestion("pets", "classification", "", {"label": name}) for name in ("pug", "beagle")]
        >>> task_metrics(asked, [["<answer>pug</answer>"], [None]])
        {'val/pets/accuracy': 50.0, 'val/pets/missing': 50.0}
    """
    metrics: dict[str, float] = {}
    draws = max(map(len, responses))
    for source, task in sorted({(question.source, question.task) for question in questions}):
        asked = [
            (question, given)
            for question, given in zip(questions, responses, strict=True)
            if (question.source, question.task) == (source, task)
        ]
        measure = metrics_of(load_task(task)).quick
        measured = [
            measure([_read(question, given[draw % len(given)]) for question, given in asked]) for draw in range(draws)
        ]
        for name in measured[0]:
            taken = f"val/{source}/{name}" in metrics  # by another task of the same data
            metrics[f"val/{source}{f'.{task}' * taken}/{name}"] = fmean(m[name] for m in measured)
    for source in sorted({question.source for question in questions}):
        came = [
            r is not None for q, given in zip(questions, responses, strict=True) if q.source == source for r in given
        ]
        metrics[f"val/{source}/missing"] = 100 * (1 - fmean(came))
    return metrics


def _read(question: ValidationQuestion, response: str | None) -> tuple[str, Sample]:
    return question.category, make_sample(question.task, response or "", question.ground_truth)
