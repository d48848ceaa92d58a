# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A run as a person sees it in a terminal, read from the metrics that it writes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import fmean

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.training_log import Series, TrainingLog, read_training_log, training_log_files
from verl_visual_rft.tasks.registry import usable_tasks
from verl_visual_rft.training.monitoring.collapse import WINDOW, find_warnings
from verl_visual_rft.training.monitoring.first_step import FirstStep, read_first_step

_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARKS = 24
_SILENT = 120.0  # seconds without a step from which on it is said, unless steps take longer
_STAGES = "timing_s/"
_RESPONSES = (
    ("length", "response_length/mean"),
    ("truncated", "response/truncated"),
    ("missing sessions", "rollout/missing_sessions"),
    ("groups without variance", "group/zero_std_frac"),
)
_OPTIMISATION = (
    ("KL", "actor/kl_loss"),
    ("gradient norm", "actor/grad_norm"),
    ("entropy", "actor/entropy"),
    ("learning rate", "actor/lr"),
    ("loss", "train/loss"),
    ("validation loss", "val/loss"),
    ("gradient norm", "train/grad_norm"),
    ("learning rate", "train/lr"),
)


@dataclass(frozen=True)
class RunState:
    """A run's metrics so far.

    Attributes:
        folder: Of the run.
        log: Its metrics by step.
        written: When each of its metrics files was written last, in seconds since the epoch.
        first: The first step of its last start, for runs whose metrics say nothing of time; ``None`` where unknown.
    """

    folder: Path
    log: TrainingLog
    written: Mapping[str, float]
    first: FirstStep | None

    @property
    def total(self) -> int | None:
        """Steps that it will have; ``None`` where neither its metrics nor its launcher say."""
        planned = self.log.series("training/total_steps").values
        if planned:
            return int(planned[-1])
        return self.first.total if self.first else None

    @property
    def finished(self) -> bool:
        """Whether its last step is done."""
        return self.total is not None and self.log.last_step >= self.total

    @property
    def seconds_a_step(self) -> float | None:
        """Validation and checkpoints included: mean over the last steps, or of this start where steps are not timed."""
        timed = [m for m in self.log.by_step.values() if f"{_STAGES}step" in m][-2 * WINDOW :]
        if timed:
            return fmean(m[f"{_STAGES}step"] + m.get(f"{_STAGES}testing", 0.0) for m in timed)
        if self.first is None or self.first.metrics not in self.written or self.log.last_step <= self.first.step:
            return None
        return (self.written[self.first.metrics] - self.first.at) / (self.log.last_step - self.first.step)

    @property
    def silent(self) -> float:
        """Seconds since its metrics were written."""
        return max(0.0, time.time() - max(self.written.values()))


def read_run(folder: Path) -> RunState:
    """Read the folder of a run that is starting, running or over.

    Raises:
        UserError: It is no such folder; the message says which is, where there is one below it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give that of a run, outputs/quickstart/rft say")
    if not any(folder.glob("metrics.*.jsonl")):
        below = sorted({path.parent for path in folder.glob("*/metrics.*.jsonl")})
        if below:
            raise UserError(f"{folder} is no run, but holds some: watch {' or '.join(map(str, below))}")
        raise UserError(f"{folder}: no metrics.<n>.jsonl, so no run of the launcher; give the folder of one")
    files = training_log_files(folder)
    written = {path.name: path.stat().st_mtime for path in files}
    return RunState(folder, read_training_log(files), written, read_first_step(folder))


def render(state: RunState) -> RenderableType:
    """Draw a run: progress, warnings, then curves of what its metrics hold; side by side where there is room."""
    log = state.log
    if not log.by_step:
        return Text(f"{state.folder}: no step yet")
    reward = [("reward", "reward/score/mean"), *((name, f"reward/{name}/mean") for name in log.components)]
    parts: Iterable[tuple[str, Iterator[tuple[str, Series]]]] = (
        ("Training reward", _named(log, reward)),
        ("Validation (%)", _validation(log)),
        ("Answers", _outcomes(log)),
        ("Responses", _named(log, _RESPONSES)),
        ("Optimisation", _named(log, _OPTIMISATION)),
    )
    tables = [table for title, rows in parts if (table := _curves(title, list(rows))) is not None]
    stages = _stages(log)
    return Group(_head(state), *_warnings(log), Columns([*tables, *([stages] if stages else [])], padding=(1, 3)))


def sparkline(values: Sequence[float], width: int = _SPARKS) -> str:
    """Draw values as blocks from their lowest to their highest, of more than ``width`` the means of equal parts.

    Example:
        >>> sparkline([1.0, 2.0, 3.0])
        '▁▅█'
    """
    parts = min(len(values), width)
    means = [fmean(values[at * len(values) // parts : (at + 1) * len(values) // parts]) for at in range(parts)]
    low, high = min(means, default=0.0), max(means, default=0.0)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BLOCKS[int((mean - low) * scale + 0.5)] for mean in means)


def _head(state: RunState) -> RenderableType:
    step, total, seconds = state.log.last_step, state.total, state.seconds_a_step
    line = Table.grid(padding=(0, 1))
    facts = [f"step {step}" + (f" of {total}" if total else "")]
    if seconds:
        facts.append(f"{seconds:.1f} s a step")
    if state.finished:
        facts.append("finished")
    elif total and seconds:
        facts.append(f"{timedelta(seconds=round(seconds * (total - step)))} left")
    bar = [ProgressBar(total=total, completed=step, width=24)] if total else []
    line.add_row(*bar, Text(", ".join(facts)))
    head: list[RenderableType] = [Text(str(state.folder), style="bold"), line]
    if state.finished or state.silent < max(_SILENT, 3 * (seconds or 0.0)):
        return Group(*head)
    quiet = f"no new step for {timedelta(seconds=round(state.silent))}: ended, or stuck; see {state.folder / 'log.txt'}"
    return Group(*head, Text(quiet, style="yellow"))


def _warnings(log: TrainingLog) -> Iterator[RenderableType]:
    """Say what is wrong now, with advice, and what was."""
    now = find_warnings(log)
    for sign in now:
        yield Text(f"! {sign}", style="bold red")
    said = {f"warning/{sign.name}" for sign in now}
    for name in sorted(name for name in log.names if name.startswith("warning/") and name not in said):
        steps = [step for step, value in zip(*_columns(log.series(name)), strict=True) if value]
        if steps:
            yield Text(f"! {name.removeprefix('warning/').replace('_', ' ')}: last at step {steps[-1]}", style="yellow")


def _columns(series: Series) -> tuple[tuple[int, ...], tuple[float, ...]]:
    return series.steps, series.values


def _named(log: TrainingLog, names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Series]]:
    for title, name in names:
        yield title, log.series(name)


def _validation(log: TrainingLog) -> Iterator[tuple[str, Series]]:
    quick = dict.fromkeys(name for task in usable_tasks().values() for name in task.quick)
    for metric in (*quick, "missing"):
        for source, series in log.task_metric(metric).items():
            yield f"{metric} {source}", series
    for source, series in log.validation("iou").items():
        yield f"IoU reward {source}", Series(series.steps, tuple(100 * value for value in series.values))


def _outcomes(log: TrainingLog) -> Iterator[tuple[str, Series]]:
    for name in sorted(name for name in log.names if name.startswith("parse/")):
        yield name.removeprefix("parse/").replace("_", " "), log.series(name)


def _curves(title: str, rows: Sequence[tuple[str, Series]]) -> Table | None:
    """A line a metric: its mean over the first and the last steps, and its curve; ``None`` where there is none."""
    table = _table(title, ("first", "last", ""))
    for name, series in rows:
        if series.values:
            n = WINDOW if len(series.values) >= 2 * WINDOW else 1
            ends = (series.first_mean(n), series.last_mean(n))
            table.add_row(name, *(_short(end) for end in ends), sparkline(series.values))
    return table if table.row_count else None


def _stages(log: TrainingLog) -> Table | None:
    """Seconds of the stages of a step, the mean over the last ones, the longest first."""
    names = [name for name in log.names if name.startswith(_STAGES) and name != f"{_STAGES}step"]
    means = {name: log.series(name).last_mean(WINDOW) or 0.0 for name in names}
    if not means:
        return None
    table = _table("Seconds by stage", ("s", ""))
    longest = max(means.values())
    for name, seconds in sorted(means.items(), key=lambda item: -item[1]):
        share = seconds / longest if longest else 0.0
        table.add_row(name.removeprefix(_STAGES), f"{seconds:.2f}", "█" * round(share * _SPARKS))
    return table


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", min_width=23, no_wrap=True)
    for heading in headings[:-1]:
        table.add_column(heading, justify="right", no_wrap=True, min_width=8)
    table.add_column(headings[-1], no_wrap=True, min_width=_SPARKS)
    return table


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if value == 0 or 0.001 <= abs(value) < 1000 else f"{value:.2e}"
