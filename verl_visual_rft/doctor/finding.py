# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a check returns, and the fresh Python process in which most checks are made."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum

#: Far more than any check takes on an idle machine; only a process that hangs should meet it.
PROCESS_TIMEOUT_S = 180


class Status(str, Enum):
    """How bad it is: only `FAIL` makes `visual-rft doctor` exit with a non-zero status."""

    OK = "ok"
    WARNING = "warning"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    check: str  #: what was looked at, a word or two.
    status: Status  #: ok, warning or FAIL.
    detail: str  #: what was found.
    remedy: str = ""  #: what to do about it; empty when the status is ok.


def ok(check: str, detail: str) -> Finding:
    """Return a finding that needs no remedy."""
    return Finding(check, Status.OK, detail)


def warning(check: str, detail: str, remedy: str) -> Finding:
    """Return a finding that a run may survive."""
    return Finding(check, Status.WARNING, detail, remedy)


def fail(check: str, detail: str, remedy: str) -> Finding:
    """Return a finding that would break a run."""
    return Finding(check, Status.FAIL, detail, remedy)


@dataclass(frozen=True)
class Process:
    """How a fresh Python process ended."""

    returncode: int  #: its exit status; 0 is success.
    answer: str  #: the last line of its standard output.
    error: str  #: the last line of its standard error when it failed, else empty.


def run_python(code: str, *arguments: str, **environment: str) -> Process:
    """Run a piece of Python in a fresh process of this environment, as a training process would start.

    Args:
        code: the program; what it finds is the last line that it prints.
        arguments: its `sys.argv[1:]`.
        environment: variables set in addition to those of this process.

    Returns:
        How it ended; a process that takes longer than `PROCESS_TIMEOUT_S` counts as failed.
    """
    command = [sys.executable, "-c", code, *arguments]
    try:
        run = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            env=os.environ | environment,
            timeout=PROCESS_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Process(124, "", f"no answer within {PROCESS_TIMEOUT_S} s")
    error = _last_line(run.stderr) or f"exit status {run.returncode}"
    return Process(run.returncode, _last_line(run.stdout), error if run.returncode else "")


def import_error(module: str) -> str | None:
    """Import a module in a fresh process; return None when that succeeds, else the last line of the error."""
    return run_python(f"import {module}").error or None


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
