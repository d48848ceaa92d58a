# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How far a run has to go and since when it takes steps, as its launcher knows it: veRL's SFT trainer logs neither."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from verl_visual_rft import atomic
from verl_visual_rft.input_files import read_json_object

_FILE = "first_step.json"


@dataclass(frozen=True)
class FirstStep:
    """The first step of the last start of a run; where steps are faster than the launcher looks, an early one.

    Attributes:
        metrics: Name of the metrics file of this start.
        step: Its number.
        at: When it was logged, in seconds since the epoch.
        total: Steps that the run will have, where its launcher was told.
    """

    metrics: str
    step: int
    at: float
    total: int | None


def write_first_step(run: Path, first: FirstStep) -> None:
    """Keep it in the folder of the run."""
    atomic.write_json(run / _FILE, asdict(first))


def read_first_step(run: Path) -> FirstStep | None:
    """Return what the launcher has kept, if it has."""
    file = run / _FILE
    return FirstStep(**read_json_object(file, "remove it: a start writes it again")) if file.is_file() else None
