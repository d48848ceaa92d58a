# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How far a run has come: one line on the terminal, from the metrics that it writes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from verl_visual_rft.input_files import parse_json
from verl_visual_rft.terminal import make_console, say
from verl_visual_rft.training.monitoring.first_step import FirstStep, write_first_step

_POLL = 0.5  # seconds
_SAY_EVERY = 15.0  # seconds between lines where the output is no terminal
#: Metrics worth a place in the one line of progress, and how they are called there.
_SHOWN = (("reward/score/mean", "reward"), ("reward/iou/mean", "IoU"), ("train/loss", "loss"))


def watch_progress(
    process: subprocess.Popen[bytes], title: str, steps: int | None, metrics: Path, gave_up: Callable[[], bool]
) -> None:
    """Show the run's progress until its command ends, or ``gave_up`` says that it never will."""
    console = make_console()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    following, said, stepped = _Follower(metrics), 0.0, False
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=steps, figures="starting")
        while process.poll() is None and not gave_up():
            for step, figures in (new := list(following.new_steps())):
                progress.update(task, completed=step, figures=figures)
                if not console.is_terminal and (time.monotonic() - said > _SAY_EVERY or step == steps):
                    said = time.monotonic()
                    say(f"{title}: step {step}{f'/{steps}' if steps else ''}  {figures}")
            if new and not stepped:
                write_first_step(metrics.parent, FirstStep(metrics.name, new[-1][0], metrics.stat().st_mtime, steps))
                stepped = True
            time.sleep(_POLL)


class _Follower:
    """Reads veRL's metrics file as it grows."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def new_steps(self) -> Iterator[tuple[int, str]]:
        if not self._path.exists():
            return
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # still being written
                self._offset += len(line)
                entry = parse_json(line)
                yield entry["step"], _figures(entry["data"])


def last_step(metrics: Path) -> int:
    """Return the last step in a metrics file of veRL's; 0 where there is none."""
    return max((step for step, _ in _Follower(metrics).new_steps()), default=0)


def _figures(data: dict[str, Any]) -> str:
    return "  ".join(f"{short} {data[name]:.3f}" for name, short in _SHOWN if name in data)
