# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's ``file`` logger, which a resumed run goes on writing instead of emptying."""

from __future__ import annotations

import builtins
from pathlib import Path
from types import ModuleType
from typing import Any

_resumed = False  # in this process, which resumes one run


def append_from_now_on() -> None:
    """Say that the run of this process is a resumed one, before its logger is made."""
    global _resumed
    _resumed = True


def keep_metrics_on_resume(tracking: ModuleType) -> None:
    """Have veRL's file logger append to its file in a resumed run.

    Symptom: after a resume the file holds the steps since then alone. verl 0.9.1 ``utils/tracking.py:541`` opens it
    with ``"wb"``. Readers take the later of two lines of a step: `verl_visual_rft.evaluation.training_log`.
    """

    def open_metrics(path: str, mode: str = "r", **options: Any) -> Any:
        if _resumed and mode == "wb":
            drop_cut_line(Path(path))
            mode = "ab"
        return builtins.open(path, mode, **options)

    setattr(tracking, "open", open_metrics)  # noqa: B010 - a name of the module goes before the built-in one


def drop_cut_line(path: Path) -> None:
    """Remove the end of a file that a kill left without a newline, so that the next line is one of its own."""
    if path.is_file():
        text = path.read_bytes()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            with builtins.open(path, "rb+") as file:
                file.truncate(whole)
