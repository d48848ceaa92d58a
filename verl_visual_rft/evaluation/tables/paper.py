# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tables 2 to 8 of the paper (arXiv 2503.01785v1), read from ``paper_tables.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from verl_visual_rft.errors import UserError

#: Order and names of the rows in the paper's tables.
METHODS = {"base": "base", "sft": "+ SFT", "rft": "+ Visual-RFT"}


@dataclass(frozen=True)
class Column:
    """A column, and where a measured figure of the same name stands.

    Attributes:
        name: As the paper prints it.
        value: Path in metrics.json, keys joined by dots; empty for the two other kinds.
        category: The category whose AP it is; empty for the two other kinds.
        over_areas: Whether that AP is averaged over the area ranges, as the published LVIS evaluation does.
        mean: Whether it is the mean of the table's other columns.
        dataset: Name of the data set, as data prep writes it into the manifest.
        split: Stem of the parquet, where a table mixes splits.
    """

    name: str
    value: str = ""
    category: str = ""
    over_areas: bool = False
    mean: bool = False
    dataset: str = ""
    split: str = ""

    @property
    def wanted(self) -> str:
        """What it takes from a metrics file, for people."""
        return " ".join(filter(None, (self.category or self.value, self.dataset and f"of {self.dataset}", self.split)))


@dataclass(frozen=True)
class PaperRow:
    """A row as printed, in percent.

    Attributes:
        model: ``2b`` or ``7b`` of Qwen2-VL, or the name of another system.
        method: ``base``, ``sft``, ``rft``; ``other`` for another system.
        values: One a column.
        shots: Training pictures of each class; None where the table has no such axis, and for base.
    """

    model: str
    method: str
    values: tuple[float, ...]
    shots: int | None = None


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper; ``note`` says how its figures were measured."""

    number: int
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[PaperRow, ...]

    def values(self, model: str, method: str, shots: int | None) -> tuple[float, ...] | None:
        """The row of a method, or None where the paper has none; ``shots`` does not matter for ``base``."""
        for row in self.rows:
            if (row.model, row.method) == (model, method) and row.shots in (None, shots):
                return row.values
        return None

    def require_setting(self, model: str, shots: int | None) -> None:
        """Raise a `UserError` that names the settings of the table when it has no such one."""
        if self.values(model, "rft", shots) is not None:
            return
        tuned = sorted({(row.model, row.shots or 0) for row in self.rows if row.method == "rft"})
        known = ", ".join(f"--paper-model {name}" + (f" --shots {n}" if n else "") for name, n in tuned)
        asked = model + ("" if shots is None else f" with {shots} shots")
        raise UserError(f"table {self.number} of the paper has no row of {asked}; it has {known}")


def paper_table(number: int) -> PaperTable:
    """Return a table of the paper.

    Raises:
        UserError: The paper has no such table of results.

    Example:
        >>> table = paper_table(7)
        >>> [column.name for column in table.columns], table.values("2b", "rft", None)
        (['mAP novel', 'mAP base', 'mAP all'], (31.3, 20.6, 22.6))
    """
    tables = _tables()
    if number not in tables:
        raise UserError(f"the paper has no table {number} of results; choose one of {', '.join(map(str, tables))}")
    record = tables[number]
    return PaperTable(
        number=number,
        title=record["title"],
        note=record["note"],
        columns=tuple(Column(**column) for column in record["columns"]),
        rows=tuple(PaperRow(**{**row, "values": tuple(row["values"])}) for row in record["rows"]),
    )


@cache
def _tables() -> dict[int, dict[str, Any]]:
    text = files(__package__).joinpath("paper_tables.yaml").read_text(encoding="utf-8")
    tables: dict[int, dict[str, Any]] = yaml.safe_load(text)
    return tables
