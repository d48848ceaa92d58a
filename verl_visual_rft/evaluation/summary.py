# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The result of one experiment: base, + SFT and + Visual-RFT side by side, for machines and for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.atomic import write_json
from verl_visual_rft.evaluation.training_log import DEFAULT_NAMES, MetricNames, TrainingLog

# Order and names of the rows in Table 7 of the paper.
METHODS = {"base": "base", "sft": "+ SFT", "rft": "+ Visual-RFT"}
COLUMNS = {
    "map_novel": "mAP novel",
    "map_base": "mAP base",
    "map_all": "mAP all",
    "reward": "mean reward",
    "mean_iou_present": "mean IoU",
    "format_rate": "format rate",
}


@dataclass(frozen=True)
class Row:
    """One method's result.

    Attributes:
        map_novel: Mean AP over the novel categories that have ground truth, in percent; ``None`` where none has.
        map_base: The same over the base categories.
        map_all: The same over all categories.
        reward: Mean reward over the validation questions.
        mean_iou: Mean IoU component of that reward; ``None`` where it has none.
        mean_iou_present: The same over the questions whose object is in the picture, which refusing cannot raise.
        format_rate: Share of answers in the asked-for format, 0 to 1.
    """

    map_novel: float | None
    map_base: float | None
    map_all: float | None
    reward: float
    mean_iou: float | None
    mean_iou_present: float | None
    format_rate: float


@dataclass(frozen=True)
class Summary:
    """One experiment, as ``summary.json`` holds it.

    Attributes:
        seed: Seed of data, training and evaluation.
        steps: GRPO steps trained.
        seconds: Wall-clock seconds of each stage.
        reward_first10: Mean training reward of the first ten GRPO steps; ``None`` where the log has none.
        reward_last10: The same of the last ten.
        rows: Method (``base``, ``sft``, ``rft``) to its result.
    """

    seed: int
    steps: int
    seconds: dict[str, float]
    reward_first10: float | None
    reward_last10: float | None
    rows: dict[str, Row]


def summarise(
    metrics: Mapping[str, Path],
    log: TrainingLog,
    *,
    seed: int,
    seconds: Mapping[str, float],
    names: MetricNames = DEFAULT_NAMES,
) -> Summary:
    """Gather one experiment's summary.

    Args:
        metrics: Method (``base``, ``sft``, ``rft``) to the metrics JSON that the evaluation wrote.
        log: Training log of the Visual-RFT run.
        seed: Seed of the experiment.
        seconds: Wall-clock seconds of each stage.
        names: Names of the metrics in the log.

    Raises:
        UserError: A metrics file is missing or lacks a figure, or a method is unknown.
    """
    unknown = sorted(metrics.keys() - METHODS.keys())
    if unknown:
        raise UserError(f"unknown methods {unknown}; the summary has {list(METHODS)}")
    reward = log.series(names.reward)
    return Summary(
        seed=seed,
        steps=log.last_step,
        seconds={stage: round(value, 1) for stage, value in seconds.items()},
        reward_first10=reward.first_mean(10),
        reward_last10=reward.last_mean(10),
        rows={method: _read_row(metrics[method]) for method in METHODS if method in metrics},
    )


def write_summary(summary: Summary, path: Path) -> None:
    """Write ``summary.json``."""
    write_json(path, asdict(summary))


def read_summary(path: Path) -> Summary:
    """Read ``summary.json`` back."""
    record = _read_json(path)
    try:
        rows = {method: Row(**row) for method, row in record.pop("rows").items()}
        return Summary(**record, rows=rows)
    except (KeyError, TypeError) as error:
        raise UserError(f"{path}: not a summary that this version wrote ({error}); run the report again") from error


def table_cells(summary: Summary) -> list[list[str]]:
    """The table as text: a header line, then a line a method; ``n/a`` where there is no ground truth."""
    header = ["method", *COLUMNS.values()]
    return [header] + [
        [METHODS[method], *(_format(name, getattr(row, name)) for name in COLUMNS)]
        for method, row in summary.rows.items()
    ]


def terminal_table(summary: Summary) -> Table:
    """The table for a terminal."""
    header, *lines = table_cells(summary)
    table = Table(
        title=f"Detection, seed {summary.seed}, {summary.steps} GRPO steps (AP in %)",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for column in header:
        is_method = column == "method"
        table.add_column(column, justify="left" if is_method else "right", no_wrap=is_method)
    for line in lines:
        table.add_row(*line)
    return table


def markdown_table(summary: Summary) -> str:
    """The table in Markdown."""
    header, *lines = table_cells(summary)
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in [header, rule, *lines])


def _format(name: str, value: float | None) -> str:
    if value is None:
        return "n/a"
    if name == "format_rate":
        return f"{value:.0%}"
    return f"{value:.1f}" if name.startswith("map_") else f"{value:.2f}"


def _read_row(path: Path) -> Row:
    record = _read_json(path)
    try:
        return Row(**{field.name: record[field.name] for field in fields(Row)})
    except KeyError as error:
        raise UserError(f"{path}: no figure {error}; evaluate the predictions again") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run the stage that writes it") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON ({error}); run the stage that writes it again") from error
    return record
