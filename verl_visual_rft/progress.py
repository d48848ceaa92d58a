# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Progress of long work: a live bar on a terminal, elsewhere a line every few seconds."""

from __future__ import annotations

import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from verl_visual_rft.terminal import make_console

_SECONDS_BETWEEN_LINES = 5.0


class RowProgress:
    """Rows done, rows a second, and the time left.

    Args:
        label: What is done, in a word.
        total: Rows in the end.
        done: Rows that are there from before.
        stderr: Whether it goes to standard error, where standard output is for something else.
    """

    def __init__(self, label: str, total: int, done: int = 0, stderr: bool = True) -> None:
        self._label, self._total, self._done, self._before = label, total, done, done
        self._tells_end = not stderr  # nothing else does
        self._started = self._printed = time.monotonic()
        self._console = make_console(stderr=stderr, highlight=False)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        live = self._console.is_terminal
        self._bar = Progress(*columns, console=self._console, transient=stderr, disable=not live)
        self._task = self._bar.add_task(label, total=total, completed=done, rate="")

    def __enter__(self) -> RowProgress:
        self._bar.start()
        if self._before:
            self._console.print(f"{self._label}: {self._before} of {self._total} answers are there from before")
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def advance(self, rows: int) -> None:
        """Count rows that are done."""
        self._done += rows
        now = time.monotonic()
        rate = (self._done - self._before) / max(now - self._started, 1e-9)
        self._bar.update(self._task, completed=self._done, rate=f"{rate:.1f} rows/s")
        is_due = now - self._printed >= _SECONDS_BETWEEN_LINES or (self._tells_end and self._done == self._total)
        if is_due and not self._console.is_terminal:
            self._printed = now
            left = (self._total - self._done) / rate
            self._console.print(f"{self._label}: {self._done}/{self._total}, {rate:.1f} rows/s, {left:.0f} s left")
