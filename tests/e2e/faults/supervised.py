# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A real training under the launcher, which is harmed and started again."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from pipeline import CPU, ROOT, grpo, unmarked

from verl_visual_rft.training.checkpoints.folders import complete_checkpoints, latest
from verl_visual_rft.training.run_mark import RUN_MARK

START_WITHIN = 600.0  # seconds from the command to its first step, on a machine that has other work too
NOTICED_WITHIN = 60.0  # seconds from a fault to the end of the command


class CampaignError(Exception):
    """The run did what it must not do."""


def training(run: Path, data: Path, *overrides: str) -> list[str]:
    """The launcher's command for a run of small steps with a checkpoint after each."""
    forever = ["trainer.total_training_steps=10000", "trainer.total_epochs=10000"]
    return grpo(run, data, *forever, "trainer.save_freq=1", "trainer.test_freq=-1", *overrides)


class Run:
    """A run in a folder, whatever becomes of its processes.

    Args:
        folder: The launcher's, and in it ``shown.txt`` with all that it said.
        command: Of the launcher.
    """

    def __init__(self, folder: Path, command: Sequence[str], **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.command, self.environment = folder, command, unmarked() | CPU | environment
        self.checkpoints = folder / "checkpoints"
        self._process: subprocess.Popen[bytes] | None = None
        self._shown_before = 0

    def start(self) -> None:
        """Start the command; its first step is waited for by `next_step`."""
        shown = self.folder / "shown.txt"
        self._shown_before = shown.stat().st_size if shown.exists() else 0
        self._metrics_before = set(self.folder.glob("metrics.*.jsonl"))
        with open(shown, "ab") as file:
            self._process = subprocess.Popen(self.command, cwd=ROOT, env=self.environment, stdout=file, stderr=file)

    @property
    def pid(self) -> int:
        """Of the launcher."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def status(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def said(self) -> str:
        """What the launcher said since its last start, on one line, without its progress."""
        with open(self.folder / "shown.txt", "rb") as file:
            file.seek(self._shown_before)
            lines = file.read().decode("utf-8", "replace").splitlines()
        return " ".join(line.strip() for line in lines if not line.startswith("GRPO: step ")).strip()

    def steps(self) -> list[int]:
        """Steps that this start has logged."""
        files = set(self.folder.glob("metrics.*.jsonl")) - self._metrics_before
        in_order = sorted(files, key=lambda file: int(file.name.split(".")[1]))
        lines = [line for file in in_order for line in file.read_bytes().split(b"\n")[:-1]]
        return [json.loads(line)["step"] for line in lines]

    def next_step(self) -> int:
        """Wait for one more step of this start, and return it."""
        have = len(self.steps())
        self.wait(lambda: len(self.steps()) > have or not self.is_running, START_WITHIN, "a step")
        if len(self.steps()) <= have:
            raise CampaignError(f"the run ended by itself: {self.said()[-500:]}")
        return self.steps()[-1]

    def wait(self, condition: Callable[[], bool], seconds: float, what: str, every: float = 0.2) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise CampaignError(f"waited {seconds:.0f} s for {what}")
            time.sleep(every)

    def processes(self) -> list[psutil.Process]:
        """All that carry the run's mark, and the launcher."""
        found = [psutil.Process(self.pid)] if self.is_running else []
        for process in psutil.process_iter():
            try:
                if process.environ().get(RUN_MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def last_saved(self) -> int:
        """Step of the last complete checkpoint; 0 before the first.

        Raises:
            CampaignError: A checkpoint is there that is not complete.
        """
        root = self.checkpoints
        named = {path.name for path in root.glob("global_step_*")}
        while True:  # rotation goes on while the run does
            whole = {checkpoint.folder.name for checkpoint in complete_checkpoints(root)}
            now = {path.name for path in root.glob("global_step_*")}
            if named == now:
                break
            named = now
        if whole != named:
            raise CampaignError(f"incomplete checkpoints: {', '.join(sorted(named - whole))}")
        last = latest(root)
        return last.step if last else 0

    def end(self) -> None:
        """End the run in order, if it runs, and all that is left of it."""
        if self.is_running:
            assert self._process is not None
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for process in self.processes():
            process.kill()
