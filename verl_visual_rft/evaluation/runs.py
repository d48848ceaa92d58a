# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Several runs of one experiment, as with several seeds: mean and standard deviation of each figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from verl_visual_rft.evaluation.bootstrap import mean_and_sd
from verl_visual_rft.evaluation.evaluate import Evaluation


def over_runs(evaluations: Mapping[str, Evaluation], out: Path) -> tuple[dict[str, Any], Table]:
    """Put the figures of runs together.

    A figure that is missing in one of the runs is left out.

    Args:
        evaluations: By name, at least one, of one task.
        out: The file that the content is for.

    Returns:
        JSON-ready dictionary (``task``, ``mean_sd`` by figure, ``runs`` by name) and a table for a terminal.
    """
    results = {name: evaluation.result for name, evaluation in evaluations.items()}
    first = next(iter(results.values()))
    found = {name: [result.figures().get(name) for result in results.values()] for name in first.figures()}
    present = {name: [figure.value for figure in column if figure] for name, column in found.items()}
    spread = {name: mean_and_sd(values) for name, values in present.items() if len(values) == len(results)}
    table = Table("%", *results, "mean ± sd", title=f"{first.task}, {len(results)} runs", title_justify="left")
    table.box = SIMPLE_HEAD
    for name, total in spread.items():
        sd = "" if total.sd is None else f" ± {total.sd:.2f}"
        table.add_row(name, *(f"{value:.2f}" for value in present[name]), f"{total.mean:.2f}{sd}")
    content = {
        "task": first.task,
        "mean_sd": {name: asdict(total) for name, total in spread.items()},
        "runs": {name: evaluation.to_dict(out) for name, evaluation in evaluations.items()},
    }
    return content, table
