# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Measured figures beside the paper's: base, + SFT and + Visual-RFT of one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.bootstrap import Interval, MeanSd, mean_and_sd
from verl_visual_rft.evaluation.tables.measured import Measurement
from verl_visual_rft.evaluation.tables.paper import METHODS, Column, PaperTable


@dataclass(frozen=True)
class Cell:
    """A measured figure and the paper's, in percent; None where there is none.

    Attributes:
        measured: Mean over the runs, their number, and their standard deviation where there are several.
        interval: Of one run, the 95 % bootstrap interval over the pictures; None where that is not known.
        paper: As printed.
    """

    measured: MeanSd | None
    interval: Interval | None
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
        labels: What the measured methods are called, with their settings where the runs say them.
    """

    table: PaperTable
    model: str
    shots: int | None
    cells: dict[str, dict[str, Cell]]
    labels: tuple[str, ...]


def compare(
    table: PaperTable, measurements: Sequence[Measurement], model: str = "2b", shots: int | None = None
) -> Comparison:
    """Put what runs measured beside a table of the paper.

    Several measurements of one method, data set and split are runs of one experiment with several seeds. A mean column
    is that of each run; where its columns are of different runs (a data set each), that of each seed. It is left out
    where one of its columns was not measured.

    Args:
        table: See `paper_table`.
        measurements: See `read_measurements`.
        model: Whose rows of the table: ``2b`` or ``7b``.
        shots: Which rows of it; without it, those of the runs' manifests.

    Raises:
        UserError: The table has no such rows, the runs have different shots, none of them has a figure of the table, or
            a run has one of them twice.
    """
    if shots is None and any(row.shots for row in table.rows):
        shots = _shots(measurements)
    table.require_setting(model, shots)
    found = {method: _find(table, [m for m in measurements if m.method == method]) for method in METHODS}
    if not any(values for columns in found.values() for values in columns.values()):
        wanted = ", ".join(column.wanted for column in table.columns if not column.mean)
        raise UserError(
            f"{', '.join(str(m.path) for m in measurements)}: no figure of table {table.number} ({wanted}); "
            "these runs are another experiment"
        )
    paper = {method: table.values(model, method, shots) or (None,) * len(table.columns) for method in METHODS}
    cells = {
        column.name: {method: _cell(column, found[method], paper[method][place]) for method in METHODS}
        for place, column in enumerate(table.columns)
    }
    labels = tuple(dict.fromkeys(measurement.label for measurement in measurements))
    return Comparison(table, model, shots, cells, labels)


@dataclass(frozen=True)
class _Found:
    """A figure of a column, and whose it is."""

    measurement: Measurement
    value: float
    interval: Interval | None


def _shots(measurements: Sequence[Measurement]) -> int | None:
    found = {measurement.shots for measurement in measurements}
    if len(found) > 1:
        raise UserError(f"the runs were trained on different numbers of shots ({found}); compare them one by one")
    return found.pop()


def _find(table: PaperTable, measurements: Sequence[Measurement]) -> dict[str, list[_Found]]:
    """Return the figures of each column but the mean, by the column's name."""
    columns = {
        column.name: [found for measurement in measurements if (found := _look_up(column, measurement))]
        for column in table.columns
        if not column.mean
    }
    for name, values in columns.items():
        places: dict[str, Path] = {}
        for found in values:
            measurement = found.measurement
            if measurement.run in places:
                raise UserError(
                    f"{places[measurement.run]} and {measurement.path} both have {name!r} of table {table.number}: "
                    "they are about the same data and no two seeds; take one of them out of the run"
                )
            places[measurement.run] = measurement.path
    return columns


def _look_up(column: Column, measurement: Measurement) -> _Found | None:
    if column.dataset not in ("", measurement.dataset) or column.split not in ("", measurement.split):
        return None
    ap = "ap_over_areas" if column.over_areas else "ap"
    *keys, last = ["per_class", column.category, ap] if column.category else column.value.split(".")
    place: Any = measurement.metrics
    for key in keys:
        place = place.get(key) if isinstance(place, dict) else None
    if not isinstance(place, dict) or place.get(last) is None:
        return None
    span = place if last == "value" else place.get(f"{last}_interval")
    interval = Interval(span["low"], span["high"]) if span and "low" in span else None
    return _Found(measurement, float(place[last]), interval)


def _cell(column: Column, found: dict[str, list[_Found]], paper: float | None) -> Cell:
    if column.mean:
        return Cell(_average(found), None, paper)
    values = found[column.name]
    interval = values[0].interval if len(values) == 1 else None
    return Cell(mean_and_sd([figure.value for figure in values]) if values else None, interval, paper)


def _average(found: dict[str, list[_Found]]) -> MeanSd | None:
    for owner in ("run", "seed"):
        rows: dict[Any, dict[str, list[float]]] = {}
        for name, values in found.items():
            for figure in values:
                rows.setdefault(getattr(figure.measurement, owner), {}).setdefault(name, []).append(figure.value)
        whole = [row for row in rows.values() if len(row) == len(found) and all(len(row[name]) == 1 for name in row)]
        if whole:
            return mean_and_sd([fmean(value for (value,) in row.values()) for row in whole])
    if not all(found.values()):
        return None
    return MeanSd(fmean(fmean(figure.value for figure in values) for values in found.values()), None, 1)
