# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A model's chat template is a program: Jinja's sandbox keeps it from files, not from endless loops or all memory."""

from __future__ import annotations

import os
import resource
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

from verl_visual_rft.errors import UserError

#: Processor time and further memory of the trial; a real template takes a millisecond.
SECONDS: Final = 10
MEMORY_BYTES: Final = 1 << 30
_WAIT_SECONDS = 120.0  # for these seconds, on a busy machine
_OVER_MEMORY = 3  # exit status


def try_template(render: Callable[[], object], folder: Path | str) -> None:
    """Render a chat in a copy of this process, with limits, before it is rendered here.

    Args:
        render: Renders it. What it raises is nothing to the trial: it will raise it here, too.
        folder: Of the model, for the message.

    Raises:
        UserError: It took more than `SECONDS` or `MEMORY_BYTES`.

    Example:
        >>> try_template(lambda: "<|im_start|>user", "model")
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads: the copy takes no lock of theirs
        child = os.fork()
    if child == 0:
        _render_and_exit(render)
    end = time.monotonic() + _WAIT_SECONDS
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    if status := os.waitstatus_to_exitcode(ended[1]):
        limit = f"{MEMORY_BYTES >> 30} GiB of memory" if status == _OVER_MEMORY else f"{SECONDS} s"
        raise UserError(
            f"the chat template in {folder} takes more than {limit}; use the template that the model came with"
        )


def _render_and_exit(render: Callable[[], object]) -> None:
    status = 0
    try:
        in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        for what, most in ((resource.RLIMIT_AS, in_use + MEMORY_BYTES), (resource.RLIMIT_CPU, SECONDS)):
            _, hard = resource.getrlimit(what)
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        render()
    except MemoryError:
        status = _OVER_MEMORY
    except BaseException:  # noqa: BLE001
        status = 0
    finally:
        os._exit(status)
