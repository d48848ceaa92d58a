# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Measured figures beside the paper's: base, + SFT and + Visual-RFT of one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.bootstrap import MeanSd, mean_and_sd
from verl_visual_rft.evaluation.tables.measured import Measurement
from verl_visual_rft.evaluation.tables.paper import METHODS, Column, PaperTable


@dataclass(frozen=True)
class Cell:
    """A measured figure and the paper's, in percent; None where there is none.

    Attributes:
        measured: Mean over the runs, their number, and their standard deviation where there are several.
        paper: As printed.
    """

    measured: MeanSd | None
    paper: float | None

    @property
    def difference(self) -> float | None:
        """Measured minus the paper's."""
        return None if self.measured is None or self.paper is None else self.measured.mean - self.paper


@dataclass(frozen=True)
class Comparison:
    """A table of the paper with measured figures.

    Attributes:
        table: The paper's.
        model: Whose rows of it are shown.
        shots: Likewise; None where the table has no such axis.
        cells: Column name to method (``base``, ``sft``, ``rft``) to figures.
    """

    table: PaperTable
    model: str
    shots: int | None
    cells: dict[str, dict[str, Cell]]


def compare(
    table: PaperTable, measurements: Sequence[Measurement], model: str = "2b", shots: int | None = None
) -> Comparison:
    """Put what runs measured beside a table of the paper.

    Several metrics files of one method, data set and split are runs of one experiment with several seeds. A mean column
    is left out where one of the other columns was not measured.

    Args:
        table: See `paper_table`.
        measurements: See `read_measurements`.
        model: Whose rows of the table: ``2b`` or ``7b``.
        shots: Which rows of it; without it, those of the runs' manifests.

    Raises:
        UserError: The table has no such rows, the runs have different shots, or none of them has a figure of the table.
    """
    if shots is None and any(row.shots for row in table.rows):
        shots = _shots(measurements)
    table.require_setting(model, shots)
    measured = {method: _measure(table, [m for m in measurements if m.method == method]) for method in METHODS}
    if not any(value for values in measured.values() for value in values):
        wanted = ", ".join(column.category or column.value for column in table.columns if not column.mean)
        raise UserError(
            f"{', '.join(str(m.path) for m in measurements)}: no figure of table {table.number} ({wanted}); "
            "these runs are another experiment"
        )
    paper = {method: table.values(model, method, shots) or (None,) * len(table.columns) for method in METHODS}
    cells = {
        column.name: {method: Cell(measured[method][place], paper[method][place]) for method in METHODS}
        for place, column in enumerate(table.columns)
    }
    return Comparison(table, model, shots, cells)


def _shots(measurements: Sequence[Measurement]) -> int | None:
    found = {measurement.shots for measurement in measurements}
    if len(found) > 1:
        raise UserError(f"the runs were trained on different numbers of shots ({found}); compare them one by one")
    return found.pop()


def _measure(table: PaperTable, measurements: Sequence[Measurement]) -> list[MeanSd | None]:
    others = [column for column in table.columns if not column.mean]
    figures = {column.name: _figure([_value(column, measurement) for measurement in measurements]) for column in others}
    return [figures[c.name] if c in others else _average(others, figures, measurements) for c in table.columns]


def _average(
    columns: Sequence[Column], figures: dict[str, MeanSd | None], measurements: Sequence[Measurement]
) -> MeanSd | None:
    """Average each run that has all columns; where runs have a column each, average their means."""
    whole = [row for m in measurements if None not in (row := [_value(column, m) for column in columns])]
    if whole:
        return _figure([fmean(value for value in row if value is not None) for row in whole])
    means = [figure.mean for column in columns if (figure := figures[column.name])]
    return MeanSd(fmean(means), None, 1) if len(means) == len(columns) else None


def _figure(values: Sequence[float | None]) -> MeanSd | None:
    known = [value for value in values if value is not None]
    return mean_and_sd(known) if known else None


def _value(column: Column, measurement: Measurement) -> float | None:
    if column.dataset not in ("", measurement.dataset) or column.split not in ("", measurement.split):
        return None
    value: Any = measurement.metrics
    ap = "ap_over_areas" if column.over_areas else "ap"
    for key in ["per_class", column.category, ap] if column.category else column.value.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else float(value)
