# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM, as batch systems send it before they kill: GRPO finishes the step at hand and saves it.

The launcher has the signal and leaves a file in the run's folder; the trainer, a process of Ray's on whatever machine,
looks for it after each step. SFT, whose steps are short, goes on from its last checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

#: Exit status of a run that ended so, as of a process that SIGTERM ends.
STOPPED = 128 + 15


def can_stop(command: Sequence[str]) -> bool:
    """Whether a training command looks for the file."""
    return "verl.trainer.main_ppo" in command


def ask_to_stop(run: Path) -> bool:
    """Have the run of a folder end after its step; return whether that was asked for the first time."""
    asked = is_asked_to_stop(run)
    _file(run).touch()
    return not asked


def is_asked_to_stop(run: Path) -> bool:
    """Whether it is to."""
    return _file(run).exists()


def forget(run: Path) -> bool:
    """Remove what a run was told; return whether it was."""
    told = is_asked_to_stop(run)
    _file(run).unlink(missing_ok=True)
    return told


def _file(run: Path) -> Path:
    return run / "stop"
