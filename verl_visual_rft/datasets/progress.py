# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Progress of long work on standard error: a live bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from verl_visual_rft.terminal import make_console

_SECONDS_BETWEEN_LINES = 5.0


class RowProgress:
    """Rows done, rows a second, and the time left.

    Args:
        label: What is done, in a word.
        total: Rows to do.
    """

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, total, 0
        self._started = self._printed = time.monotonic()
        self._console = make_console(stderr=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
        )
        live = self._console.is_terminal
        self._bar = Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True, disable=not live)
        self._task = self._bar.add_task(label, total=total, rate="")

    def __enter__(self) -> RowProgress:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def advance(self, rows: int) -> None:
        """Count rows that are done."""
        self._done += rows
        now = time.monotonic()
        rate = self._done / max(now - self._started, 1e-9)
        self._bar.update(self._task, completed=self._done, rate=f"{rate:.0f} rows/s")
        if not self._console.is_terminal and now - self._printed >= _SECONDS_BETWEEN_LINES:
            self._printed = now
            left = (self._total - self._done) / rate
            self._console.print(f"{self._label}: {self._done}/{self._total}, {rate:.0f} rows/s, {left:.0f} s left")
