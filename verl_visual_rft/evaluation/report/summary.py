# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The result of one experiment: base, + SFT and + Visual-RFT side by side, for machines and for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from verl_visual_rft.atomic import write_json
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.tables.measured import Measurement
from verl_visual_rft.evaluation.tables.paper import METHODS
from verl_visual_rft.evaluation.training_log import REWARD, TrainingLog
from verl_visual_rft.tasks import load_task, task_names
from verl_visual_rft.tasks.metrics import TaskMetrics, metrics_of

_TEMPLATES = {"format_rate": "{:.0%}", "reward": "{:.2f}"}


@dataclass(frozen=True)
class Summary:
    """One experiment, as ``summary.json`` holds it.

    Attributes:
        task: Of the evaluation.
        seed: Seed of data, training and evaluation; ``None`` where it is not known.
        steps: GRPO steps trained.
        seconds: Wall-clock seconds of each stage.
        reward_first10: Mean training reward of the first ten GRPO steps; ``None`` where the log has none.
        reward_last10: The same of the last ten.
        labels: Method to what it is called in the table, with its settings where they are known.
        rows: Method (``base``, ``sft``, ``rft``) to its figures (see `TaskMetrics.columns`); ``None`` without such
            truths.
        intervals: Method to the 95 % intervals ``[low, high]`` of its figures, in their unit, where they are known.
        n: Method to the number of its questions.
    """

    task: str
    seed: int | None
    steps: int
    seconds: dict[str, float]
    reward_first10: float | None
    reward_last10: float | None
    labels: dict[str, str]
    rows: dict[str, dict[str, float | None]]
    intervals: dict[str, dict[str, list[float]]]
    n: dict[str, int]

    @property
    def caption(self) -> str:
        """What the figures are."""
        return metrics_of(load_task(self.task)).caption


def summarise(
    measurements: Sequence[Measurement], log: TrainingLog, *, seed: int | None, seconds: Mapping[str, float]
) -> Summary:
    """Gather one experiment's summary.

    Args:
        measurements: One a method; see `read_measurements`.
        log: Training log of the Visual-RFT run; empty where nothing was trained.
        seed: Seed of the experiment.
        seconds: Wall-clock seconds of each stage.

    Raises:
        UserError: A metrics file lacks a figure, or they are about several tasks.
    """
    tasks = {measurement.metrics.get("task", "detection") for measurement in measurements}
    if len(tasks) != 1 or not tasks <= {*task_names()}:
        raise UserError(
            f"{', '.join(str(m.path) for m in measurements)}: tasks {sorted(map(str, tasks))}; a summary is of one of "
            f"{', '.join(task_names())}"
        )
    (task,) = tasks
    metrics = metrics_of(load_task(task))
    columns = [
        name for name in metrics.columns if name not in metrics.optional or any(name in m.metrics for m in measurements)
    ]
    reward = log.series(REWARD)
    return Summary(
        task=task,
        seed=seed,
        steps=log.last_step,
        seconds={stage: round(value, 1) for stage, value in seconds.items()},
        reward_first10=reward.first_mean(10),
        reward_last10=reward.last_mean(10),
        labels={m.method: m.label for m in measurements},
        rows={m.method: {name: _figure(m, name, metrics) for name in columns} for m in measurements},
        intervals={m.method: dict(_intervals(m.metrics, columns)) for m in measurements},
        n={m.method: m.metrics["n"] for m in measurements},
    )


def seed_label(seed: int | None) -> str:
    """What titles say of a seed."""
    return "seed unknown" if seed is None else f"seed {seed}"


def write_summary(summary: Summary, path: Path) -> None:
    """Write ``summary.json``."""
    write_json(path, asdict(summary))


def table_cells(summary: Summary, *, intervals: bool = False) -> list[list[str]]:
    """The table as text: a header line, then a line a method; ``n/a`` where there is no ground truth.

    Args:
        summary: Of the run.
        intervals: Whether a figure has its 95 % interval on a second line, where that is known.
    """
    metrics = metrics_of(load_task(summary.task))
    asked = {name for row in summary.rows.values() for name in row}
    columns = {name: heading for name, heading in metrics.columns.items() if name in asked}
    formats = {**_TEMPLATES, **metrics.formats}
    lines = [["method", *columns.values()]]
    for method, row in summary.rows.items():
        known = summary.intervals[method] if intervals else {}
        lines.append(
            [
                summary.labels[method],
                *(_format(formats.get(name, "{:.1f}"), row[name], known.get(name)) for name in columns),
            ]
        )
    return lines


def terminal_table(summary: Summary, name: str = "") -> Table:
    """The table for a terminal; ``name`` is that of the evaluation set. Settings of the methods stand below it."""
    header, *lines = table_cells(summary)
    settings = [label for label in summary.labels.values() if label not in METHODS.values()]
    task = ", ".join(filter(None, (summary.task.replace("_", " ").capitalize(), name)))
    table = Table(
        title=f"{task}, {seed_label(summary.seed)}, {summary.steps} GRPO steps (in %)",
        title_justify="left",
        caption="\n".join(settings) or None,
        caption_justify="left",
        box=SIMPLE_HEAD,
    )
    for column in header:
        is_method = column == "method"
        table.add_column(column, justify="left" if is_method else "right", no_wrap=is_method)
    for method, (_, *figures) in zip(summary.rows, lines, strict=True):
        table.add_row(METHODS[method], *figures)
    return table


def _format(template: str, value: float | None, interval: Sequence[float] | None = None) -> str:
    if value is None:
        return "n/a"
    span = "" if interval is None else f"\n({' to '.join(template.format(end) for end in interval)})"
    return template.format(value) + span


def _intervals(metrics: Mapping[str, Any], names: Iterable[str]) -> Iterator[tuple[str, list[float]]]:
    for name in names:
        given = metrics[name] if isinstance(metrics.get(name), dict) else metrics.get("intervals", {}).get(name)
        if given:
            yield name, [given["low"], given["high"]]


def _figure(measurement: Measurement, name: str, metrics: TaskMetrics) -> float | None:
    try:
        given: Any = measurement.metrics.get(name) if name in metrics.later else measurement.metrics[name]
    except KeyError as error:
        raise UserError(f"{measurement.path}: no figure {error}; evaluate the predictions again") from error
    value: float | None = given["value"] if isinstance(given, dict) else given
    return value
