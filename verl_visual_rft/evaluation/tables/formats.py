# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A comparison as Markdown, which also reads well on a terminal, as CSV and as LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence

from verl_visual_rft.evaluation.tables.comparison import Cell, Comparison
from verl_visual_rft.evaluation.tables.paper import METHODS

_MODELS = {"2b": "Qwen2-VL-2B", "7b": "Qwen2-VL-7B"}
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "−": "$-$", "–": "--", "Δ": r"$\Delta$",
}  # fmt: skip


def to_markdown(comparison: Comparison) -> str:
    """A line a column of the paper's table; for each method the measured figure, the paper's and the difference."""
    header, *lines = _cells(comparison)
    rule = ["---", *["---:"] * (len(header) - 1)]
    widths = [max(len(line[place]) for line in [header, rule, *lines]) for place in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    aligned = [
        [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]
        for line in [header, rule, *lines]
    ]
    rows = "".join(f"| {' | '.join(line)} |\n" for line in aligned)
    return f"{_title(comparison)}\n\n{rows}\n{_note(comparison)}\n"


def to_csv(comparison: Comparison) -> str:
    """A line a figure, with full precision, under a line of headings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("table", "model", "shots", "column", "method", "measured", "low", "high", "sd", "runs", "paper", "difference")
    )
    for column, cells in comparison.cells.items():
        for method, cell in cells.items():
            mean, sd, runs = (cell.measured.mean, cell.measured.sd, cell.measured.n) if cell.measured else (None,) * 3
            setting = (comparison.table.number, comparison.model, comparison.shots)
            low, high = (cell.interval.low, cell.interval.high) if cell.interval else (None, None)
            writer.writerow((*setting, column, method, mean, low, high, sd, runs, cell.paper, cell.difference))
    return text.getvalue()


def to_latex(comparison: Comparison) -> str:
    """A ``table`` environment; it needs the packages booktabs and graphicx."""
    header, *lines = _cells(comparison)
    rows = [" & ".join(_escape(text) for text in line) + r" \\" for line in [header, *lines]]
    return "\n".join(
        (
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escape(_title(comparison))}. {_escape(_note(comparison))}}}",
            r"\resizebox{\linewidth}{!}{%",
            rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
            r"\toprule",
            rows[0],
            r"\midrule",
            *rows[1:],
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        )
    )


#: By the name used on the command line.
FORMATS: Mapping[str, Callable[[Comparison], str]] = {"markdown": to_markdown, "csv": to_csv, "latex": to_latex}


def _cells(comparison: Comparison) -> list[list[str]]:
    header = ["", *(text for label in METHODS.values() for text in (label, "paper", "Δ"))]
    return [header] + [
        [column, *(text for cell in cells.values() for text in _texts(cell))]
        for column, cells in comparison.cells.items()
    ]


def _texts(cell: Cell) -> Sequence[str]:
    measured, difference = cell.measured, cell.difference
    shown = "–" if measured is None else f"{measured.mean:.1f}"
    if measured is not None and measured.sd is not None:
        shown += f" ± {measured.sd:.1f}"
    elif cell.interval is not None:
        shown += f" ({cell.interval.low:.1f} to {cell.interval.high:.1f})"
    return (
        shown,
        "–" if cell.paper is None else f"{cell.paper:.1f}",
        "–" if difference is None else f"{round(difference, 1) + 0.0:+.1f}".replace("-", "−"),  # + 0.0: no minus zero
    )


def _title(comparison: Comparison) -> str:
    shots = f", {comparison.shots} shots" if comparison.shots else ""
    return f"Table {comparison.table.number}: {comparison.table.title} (paper: {_MODELS[comparison.model]}{shots})"


def _note(comparison: Comparison) -> str:
    cells = [cell for cells in comparison.cells.values() for cell in cells.values()]
    runs = max((cell.measured.n for cell in cells if cell.measured), default=1)
    spread = f", ± standard deviation over {runs} runs" if runs > 1 else ""
    interval = ", in brackets the 95 % bootstrap interval over the pictures" if any(c.interval for c in cells) else ""
    settings = [label for label in comparison.labels if label not in METHODS.values()]
    measured = f" Measured: {'; '.join(settings)}." if settings else ""
    return f"In percent{spread}{interval}.{measured} Paper: {comparison.table.note}."


def _escape(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
