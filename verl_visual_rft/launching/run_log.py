# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the log of a run says of its end."""

from __future__ import annotations

import re
import signal
from pathlib import Path

#: Errors that say that there was another (vLLM's engine, as its server saw it).
_ELSEWHERE = re.compile(
    r"(?:root cause|stack trace)\W+above|stack trace\W+for (?:the )?root cause|EngineDeadError", re.I
)
_LOG_TAIL, _LOG_WIDTH = 15, 160  # lines, and characters of each, shown when no error is found in the log


def text_from(log: Path, start: int) -> str:
    """Return what a log has from a byte on."""
    with open(log, "rb") as file:
        file.seek(start)
        return file.read().decode("utf-8", "replace")


def ray_was_late(text: str) -> bool:
    """Whether the log of a start says that Ray gave up its own start (ray 2.60, _private/node.py, services.py)."""
    return "The current node timed out during startup" in text or "while waiting for node to startup" in text


def explained(text: str, status: int) -> str:
    """Return why a run has ended with an exit status, by its log: the error, or the last lines."""
    if status == -signal.SIGKILL:
        return (
            "killed, by somebody or for want of memory (see dmesg); the same command goes on from the last checkpoint"
        )
    return last_error(text) or "\n".join(line[:_LOG_WIDTH] for line in _plain(text).splitlines()[-_LOG_TAIL:])


def last_error(text: str) -> str | None:
    r"""Return the error that ended a run: the last "SomeError: message" line of its log that does not point to another.

    What Ray and vLLM put before their processes' lines is left out.

    Example:
        >>> last_error("step 1\nray.exceptions.RayTaskError(ValueError): x\nValueError: bad row 3\n")
        'ValueError: bad row 3'
    """
    errors = re.findall(
        # Ray names processes, vLLM's own within them; of an actor's death the next line says whose.
        r"^(?:\([^)\n]*pid=[^)\n]*\) )*(?:[A-Z]+ [\d-]+ [\d:]+ \[[^\]\n]*\] )?"
        r"((?:\w+\.)*\w*(?:Error|Exception|Interrupt)\b: .+(?:\n\tclass_name: \w+)?)$",
        _plain(text),
        re.M,
    )
    errors = [error for error in errors if not _ELSEWHERE.search(error)] or errors
    own = [error for error in errors if not error.startswith("ray.exceptions")]
    found: list[str] = own or errors
    return found[-1].replace("\n\t", " ") if found else None


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)  # without Ray's colours
