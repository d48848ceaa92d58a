# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Running a command so that a signal to us is one to it.

Batch systems send SIGTERM to a recipe, and its training then saves the step at hand.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

#: A signal -> what the command gets; a terminal that hangs up ends the command, too.
_PASSED = {signal.SIGTERM: signal.SIGTERM, signal.SIGINT: signal.SIGINT, signal.SIGHUP: signal.SIGTERM}


def run_passing_signals(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: IO[bytes] | None = None,
    errors: IO[bytes] | None = None,
    kept: Sequence[int] = (),
) -> int:
    """Run a command to its end, in a process group of its own.

    Args:
        command: Its words; the program is looked for in the environment's PATH.
        folder: It runs there.
        environment: All of its variables.
        output: Where its output goes; None: where ours does.
        errors: The same of its standard error.
        kept: File descriptors that it inherits: a lock is held until it has ended, too.

    Returns:
        Its exit status, as a shell would say it: 128 and the signal that ended it.

    Raises:
        OSError: There is no such program.
    """
    started: list[subprocess.Popen[bytes]] = []
    asked: list[signal.Signals] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        asked.append(_PASSED[signal.Signals(number)])
        for process in started:
            process.send_signal(asked[-1])

    before = {number: signal.signal(number, pass_on) for number in _PASSED}
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=errors,
            pass_fds=kept,
            preexec_fn=os.setpgrp,  # a terminal's Ctrl-C reaches us alone
        )
        if asked:  # while it was started
            process.send_signal(asked[-1])
        started.append(process)
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
