# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How far an SFT run has to go and how long its steps take, which veRL's SFT trainer logs nowhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import wrapt


@dataclass
class _Progress:
    total: int
    since: float  # when the step before was logged, or training began


_progress: _Progress | None = None  # of this process, which trains one run


def begin(total_steps: int) -> None:
    """Say that the SFT of this process begins now and goes on to step ``total_steps``."""
    global _progress
    _progress = _Progress(total_steps, time.monotonic())


def log_progress(tracking: ModuleType) -> None:
    """Add ``training/total_steps`` and ``timing_s/step`` to what SFT logs of each step.

    The seconds are those since the step before, so validation and checkpoints between them are included.
    """
    wrapt.wrap_function_wrapper(tracking, "Tracking.log", _log)


def _log(wrapped: Any, tracking: Any, args: Any, kwargs: Any) -> None:
    data = kwargs["data"] if "data" in kwargs else args[0]
    if _progress is not None and "train/loss" in data:  # validation is logged by itself
        now = time.monotonic()
        data |= {"training/total_steps": _progress.total, "timing_s/step": now - _progress.since}
        _progress.since = now
    wrapped(*args, **kwargs)
