# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The results of a recipe's run, gathered from its folder.

A recipe leaves ``data/``, ``eval/<method>/{predictions.jsonl,metrics.json}`` for the methods base, sft and rft,
``rft/metrics.<n>.jsonl`` (the training log, one file a start) and ``.stages/<stage>`` (key and seconds).
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.curves import draw_curves
from verl_visual_rft.evaluation.report import build_report
from verl_visual_rft.evaluation.summary import METHODS, summarise, terminal_table, write_summary
from verl_visual_rft.evaluation.training_log import read_training_log


def write_run_report(run: Path, *, reward: str, seed: int, pictures: int = 24) -> None:
    """Write ``summary.json``, ``curves.png`` and ``report.html`` into ``run`` and print the table.

    Args:
        run: Folder of a recipe's run.
        reward: Named reward that the answers are explained with.
        seed: Seed of the run, for the summary.
        pictures: Pictures in the report's gallery.

    Raises:
        UserError: No method has been evaluated, or a file is missing or damaged.
    """
    evaluated = [method for method in METHODS if (run / "eval" / method / "metrics.json").exists()]
    if not evaluated:
        raise UserError(f"{run}: nothing evaluated (no eval/<method>/metrics.json); run the recipe first")
    log = read_training_log(training_log_files(run / "rft"))
    metrics = {method: run / "eval" / method / "metrics.json" for method in evaluated}
    predictions = {method: run / "eval" / method / "predictions.jsonl" for method in evaluated}
    summary = summarise(metrics, log, seed=seed, seconds=stage_seconds(run))
    write_summary(summary, run / "summary.json")
    draw_curves(log, run / "curves.png", title=f"Visual-RFT, reward {reward!r}, seed {seed}")
    build_report(
        run / "report.html",
        summary=run / "summary.json",
        predictions=predictions,
        data=run / "data" / "val.parquet",
        reward=reward,
        curves=run / "curves.png",
        pictures=pictures,
    )
    Console().print(terminal_table(summary))


def training_log_files(folder: Path) -> list[Path]:
    """The metrics files of a training run, oldest start first."""
    files = sorted(folder.glob("metrics.*.jsonl"), key=lambda path: int(path.name.split(".")[1]))
    if not files:
        raise UserError(f"{folder}: no metrics.<n>.jsonl; train first")
    return files


def stage_seconds(run: Path) -> dict[str, float]:
    """Seconds of each finished stage, in the order in which the stages ended."""
    stamps = sorted((run / ".stages").glob("*.done"), key=lambda path: path.stat().st_mtime)
    return {stamp.stem: float(stamp.read_text().split()[1]) for stamp in stamps}
