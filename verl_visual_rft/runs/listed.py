# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A run on the CPU whose stages are known from the beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.runs.device import device_variables
from verl_visual_rft.runs.stages import Stage, Stages, lock_output


@dataclass(frozen=True)
class ListedRun:
    """Stages to run one after the other."""

    output: Path  #: Folder of the run.
    folder: Path  #: Commands run there.
    stages: Sequence[Stage]  #: In their order.
    #: Called before the first; raises a `UserError` where the run cannot work.
    check: Callable[[], None] = lambda: None
    end: Callable[[], None] = lambda: None  #: Called after the last.
    is_dry: bool = False  #: Whether the user wants to see the commands alone.
    ranks: int = 1  #: Processes of a training.

    @property
    def device(self) -> str:
        """What it runs on."""
        return "cpu"

    def dry_run(self) -> Iterator[str]:
        """Give the lines of JSON that DRY_RUN=1 prints: the stages."""
        return (stage.as_json() for stage in self.stages)

    def run(self) -> None:
        """Check everything that can be checked, then run the stages; see `ExperimentRun.run`."""
        variables = device_variables(self.device, self.ranks)
        with lock_output(self.output) as lock:
            self.check()
            runner = Stages(self.output, len(self.stages), self.folder, variables, kept=[lock])
            for stage in self.stages:
                runner.run(stage)
        self.end()
