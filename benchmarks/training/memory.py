# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Memory of a process and all that it started, over time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import psutil

#: Of a core that a contestant with many processes, which take long to look at, pays for it as one with few.
_SHARE = 0.01


@dataclass
class MemorySampler:
    """Sums the proportional set size (PSS) of a tree of processes: what several of them share counts once.

    Attributes:
        samples: Time (`time.monotonic`) and the PSS in bytes of each process, by "name pid".
        interval: Seconds between looks at least.
        seconds: What the sampling itself took.
    """

    pid: int
    interval: float
    samples: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    seconds: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> MemorySampler:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        wait = self.interval
        while not self._stop.wait(wait):
            begin = time.thread_time()
            self.samples.append((time.monotonic(), _tree(self.pid)))
            taken = time.thread_time() - begin
            self.seconds += taken
            wait = max(self.interval, taken / _SHARE)


def _tree(pid: int) -> dict[str, int]:
    sizes = {}
    try:
        for process in psutil.Process(pid).children(recursive=True):
            try:
                sizes[f"{_name(process)} {process.pid}"] = process.memory_full_info().pss
            except psutil.Error:
                continue  # ended meanwhile
    except psutil.NoSuchProcess:
        pass
    return sizes


def _name(process: psutil.Process) -> str:
    """Ray's workers are called by what they run, "ray::WorkerDict.update_actor"; the rest by their program."""
    command = process.cmdline()
    if command and command[0].startswith("ray::"):
        return command[0].split(".")[0].split(" ")[0]
    return process.name()
