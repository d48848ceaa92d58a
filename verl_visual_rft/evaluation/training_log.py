# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The metrics that veRL's ``file`` logger wrote, as one series a metric."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import is_finite_number, parse_json, read_bytes


@dataclass(frozen=True)
class Series:
    """One metric over the training steps that logged it, steps rising."""

    steps: tuple[int, ...]
    values: tuple[float, ...]

    def first_mean(self, n: int) -> float | None:
        """Mean of the first ``n`` values, of fewer where there are fewer; ``None`` of none."""
        return fmean(self.values[:n]) if self.values else None

    def last_mean(self, n: int) -> float | None:
        """Mean of the last ``n`` values, of fewer where there are fewer; ``None`` of none."""
        return fmean(self.values[-n:]) if self.values else None


#: Where the log keeps what the summary and the curves show.
REWARD, REWARD_SPREAD = "reward/score/mean", "reward/score/std"
KL, RESPONSE_LENGTH, EQUAL_GROUPS = "actor/kl_loss", "response_length/mean", "group/zero_std_frac"

# veRL: "val-core" for the metric it selects by, "val-aux" for the rest; N answers a question.
VALIDATION_NAME = re.compile(r"val-(?:core|aux)/(?P<source>.+)/(?P<component>[^/]+)/mean@\d+")
# Ours, of the task itself: `verl_visual_rft.training.monitoring.validation`.
TASK_METRIC_NAME = re.compile(r"val/(?P<source>.+)/(?P<metric>[^/]+)")
# The counts (n_pred) and parse outcomes that rewards report beside their components are left out.
COMPONENT_NAME = re.compile(r"reward/(?P<component>(?!n_|outcome_|score/)[^/]+)/mean")


@dataclass(frozen=True)
class TrainingLog:
    """Metrics by training step.

    Attributes:
        by_step: Step to its metrics, steps rising; only finite numbers.
        cut_lines: Last lines that a kill left half-written, at most one a file.
    """

    by_step: dict[int, dict[str, float]]
    cut_lines: int

    @property
    def names(self) -> set[str]:
        """Names of all metrics that were logged at least once."""
        return {name for metrics in self.by_step.values() for name in metrics}

    @property
    def last_step(self) -> int:
        """The last training step; 0 where none was logged."""
        return max(self.by_step, default=0)

    def series(self, name: str) -> Series:
        """The metric ``name``; empty where the log does not have it."""
        points = [(step, metrics[name]) for step, metrics in self.by_step.items() if name in metrics]
        return Series(tuple(step for step, _ in points), tuple(value for _, value in points))

    @property
    def components(self) -> list[str]:
        """Names of the reward's components: what is logged as ``reward/NAME/mean`` but the total and the counts."""
        matches = (COMPONENT_NAME.fullmatch(name) for name in self.names)
        return sorted(match["component"] for match in matches if match)

    def validation(self, component: str) -> dict[str, Series]:
        """Mean of a reward component on validation, by data source: veRL's ``val-*/SOURCE/COMPONENT/mean@N``."""
        return self._by_source(VALIDATION_NAME, component)

    def task_metric(self, metric: str) -> dict[str, Series]:
        """A metric of the task on validation in percent, by data source: ``val/SOURCE/METRIC``, ``ap`` say."""
        return self._by_source(TASK_METRIC_NAME, metric)

    def _by_source(self, pattern: re.Pattern[str], wanted: str) -> dict[str, Series]:
        matches = {name: pattern.fullmatch(name) for name in sorted(self.names)}
        return {
            match["source"]: self.series(name)
            for name, match in matches.items()
            if match is not None and match[2] == wanted
        }


def training_log_files(folder: Path) -> list[Path]:
    """The metrics files of a training run, oldest start first.

    Raises:
        UserError: There are none.
    """
    files = sorted(folder.glob("metrics.*.jsonl"), key=lambda path: int(path.name.split(".")[1]))
    if not files:
        raise UserError(f"{folder}: no metrics.<n>.jsonl; train first")
    return files


def read_training_log(paths: Sequence[Path]) -> TrainingLog:
    """Read the files of one run in the order they were written.

    Each start has a file (`verl_visual_rft.launching.launch`). A step lower than the one before it begins a resume:
    what was logged after that step is forgotten, for the run did not go on from it.
    veRL may write one step in two lines (training and validation): they are joined.

    Args:
        paths: Files of lines ``{"step": int, "data": {metric: number}}``, oldest first.

    Raises:
        UserError: A file is missing, or a line other than the last of its file is broken.
    """
    by_step: dict[int, dict[str, float]] = {}
    cut_lines = before = 0
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path}: no such training log; train with the logger `file`")
        try:
            lines = read_bytes(path).decode("utf-8", errors="replace").split("\n")
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}; give a training log") from error
        # Whole lines end in a newline, so what follows the last one is empty or was cut.
        cut_lines += bool(lines[-1])
        for step, metrics in _records(lines[:-1], path):
            if step < before:
                by_step = {done: logged for done, logged in by_step.items() if done <= step}
            before = step
            by_step.setdefault(step, {}).update(metrics)
    return TrainingLog({step: by_step[step] for step in sorted(by_step)}, cut_lines)


def _records(lines: Sequence[str], path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    for number, line in enumerate(lines, start=1):
        try:
            record = parse_json(line)
            yield int(record["step"]), {key: value for key, value in record["data"].items() if is_finite_number(value)}
        except (UserError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path}: line {number} is not a line of veRL's file logger ({error}); remove the line or the file"
            ) from error
