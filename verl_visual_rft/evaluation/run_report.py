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
from verl_visual_rft.evaluation.report import build_report
from verl_visual_rft.evaluation.report.curves import draw_curves
from verl_visual_rft.evaluation.report.summary import summarise, terminal_table, write_summary
from verl_visual_rft.evaluation.tables import Measurement, read_measurements
from verl_visual_rft.evaluation.training_log import DEFAULT_NAMES, TrainingLog, read_training_log


def write_run_report(run: Path, *, reward: str, seed: int, pictures: int = 24) -> None:
    """Write ``summary.json``, ``curves.png`` and ``report.html`` into ``run`` and print the table.

    Args:
        run: Folder of a recipe's run. Without ``rft/`` nothing was trained, and there are no curves.
        reward: Named reward that the answers are explained with.
        seed: Seed of the run, for the summary.
        pictures: Questions in the report's gallery.

    Raises:
        UserError: No method has been evaluated, or a file is missing or damaged.
    """
    measurements = read_measurements([run])
    trained = (run / "rft").is_dir()
    log = read_training_log(training_log_files(run / "rft")) if trained else TrainingLog({}, 0)
    summary = summarise(measurements, log, seed=seed, seconds=stage_seconds(run))
    write_summary(summary, run / "summary.json")
    if log.series(DEFAULT_NAMES.reward).steps:
        draw_curves(log, run / "curves.png", title=f"Visual-RFT, reward {reward!r}, seed {seed}")
    build_report(
        run / "report.html",
        summary=summary,
        measurements=measurements,
        data=_predicted_parquet(run, measurements),
        reward=reward,
        log=log,
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


def _predicted_parquet(run: Path, measurements: list[Measurement]) -> Path:
    splits = {measurement.split for measurement in measurements}
    methods = {measurement.method for measurement in measurements}
    if len(splits) > 1 or len(methods) < len(measurements):
        raise UserError(f"{run}: the evaluations are of several splits ({', '.join(sorted(splits))}); a page is of one")
    return run / "data" / f"{splits.pop() or 'val'}.parquet"
