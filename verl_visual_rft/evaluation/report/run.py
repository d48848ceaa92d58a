# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The results of a recipe's run, gathered from its folder.

A recipe leaves what `read_measurements` reads, ``rft/metrics.<n>.jsonl`` (the training log, one file a start) and
``.stages/<stage>`` (key and seconds).
"""

from __future__ import annotations

from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.report.curves import draw_curves
from verl_visual_rft.evaluation.report.page import build_report
from verl_visual_rft.evaluation.report.summary import seed_label, summarise, terminal_table, write_summary
from verl_visual_rft.evaluation.tables.measured import Measurement, read_measurements
from verl_visual_rft.evaluation.training_log import REWARD, TrainingLog, read_training_log, training_log_files
from verl_visual_rft.terminal import make_console


def write_run_report(run: Path, *, reward: str, seed: int | None = None, pictures: int = 24) -> None:
    """Write ``summary.json``, ``curves.png`` and ``report.html`` into ``run`` and print the table.

    Where the run has several evaluation sets, each has its own ``summary-SET.json``, ``report-SET.html`` and table.

    Args:
        run: Folder of a recipe's run. Without ``rft/`` nothing was trained, and there are no curves.
        reward: Named reward that the answers are explained with.
        seed: Seed of the run; without it that of its data, which a recipe draws with the same seed.
        pictures: Questions in the report's gallery.

    Raises:
        UserError: No method has been evaluated, or a file is missing or damaged.
    """
    measurements = read_measurements([run])
    for measurement in measurements:
        if measurement.several:
            raise UserError(
                f"{measurement.path} holds several runs; a page is about one: `visual-rft eval` its predictions alone "
                "(--table N reads it as it is)"
            )
    seed = measurements[0].seed if seed is None else seed
    trained = (run / "rft").is_dir()
    log = read_training_log(training_log_files(run / "rft")) if trained else TrainingLog({}, 0)
    if log.series(REWARD).steps:
        draw_curves(log, run / "curves.png", title=f"Visual-RFT, reward {reward!r}, {seed_label(seed)}")
    for name in sorted({measurement.evaluation_set for measurement in measurements}):
        chosen = [measurement for measurement in measurements if measurement.evaluation_set == name]
        ending = f"-{name}" if name else ""
        summary = summarise(chosen, log, seed=seed, seconds=stage_seconds(run))
        write_summary(summary, run / f"summary{ending}.json")
        build_report(
            run / f"report{ending}.html",
            summary=summary,
            measurements=chosen,
            data=_parquet(chosen),
            reward=reward,
            log=log,
            pictures=pictures,
            title=f"Visual-RFT: {name}" if name else "Visual-RFT",
        )
        make_console().print(terminal_table(summary, name))


def stage_seconds(run: Path) -> dict[str, float]:
    """Seconds of each finished stage, in the order in which the stages ended."""
    stamps = sorted((run / ".stages").glob("*.done"), key=lambda path: path.stat().st_mtime)
    return {stamp.stem: float(stamp.read_text().split()[1]) for stamp in stamps}


def _parquet(measurements: list[Measurement]) -> Path:
    """Return the questions that all methods answered."""
    found = {measurement.path: measurement.parquet.resolve() for measurement in measurements}
    if len({*found.values()}) > 1:
        pairs = ", ".join(f"{metrics} of {parquet}" for metrics, parquet in found.items())
        raise UserError(f"the methods answered different questions ({pairs}); evaluate each set in a folder of its own")
    return measurements[0].parquet
