# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""By what a run's processes, folders and memory are known to be its own."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: Environment variable that marks every process of a run that the launcher started with the run's folder.
RUN_MARK = "VISUAL_RFT_RUN"

#: Environment variable of the processes of a training with this package's configuration.
PLUGIN_MARK = "VISUAL_RFT_PLUGIN"
_SECRET = ".secret"
_CONFIGURATION = "pkg://verl_visual_rft.training.config"


def is_ours() -> bool:
    """Whether this process belongs to a training with this package's configuration, started by a launcher or by hand.

    The command is known by naming the configuration. It marks its environment, which Ray's workers and vLLM's processes
    inherit, on other nodes by `verl_visual_rft.launching.cluster.forward_environment`.
    """
    values = (argument.rpartition("=")[2].rstrip("/") for argument in sys.argv)  # --config-path VALUE or =VALUE
    if PLUGIN_MARK not in os.environ and _CONFIGURATION in values:
        os.environ[PLUGIN_MARK] = "1"
    return os.environ.get(PLUGIN_MARK) == "1"


def draw_secret(run: Path) -> None:
    """Make, in the folder of a run that starts, a new secret of `short_name`, once the last start is gone."""
    partial = run / f"{_SECRET}.partial"
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(16))
    partial.rename(run / _SECRET)


def short_name(run: Path, characters: int) -> str:
    """Return a name of so many hexadecimal characters for where a path is too long.

    It is the same for all processes of a start, and another for a run in another container, which may have its path
    and share /tmp or /dev/shm (``docker run --ipc=host``): the process namespace is part of it (Linux). Nobody else can
    tell it in advance, and plant a file there that the run could not replace: so is its secret (`draw_secret`).
    """
    namespace, file = os.readlink("/proc/self/ns/pid"), run / _SECRET
    secret = file.read_text() if file.exists() else ""
    return hashlib.sha256(f"{namespace} {run} {secret}".encode()).hexdigest()[:characters]


def remove_own(files: Iterable[Path]) -> int:
    """Remove those of some files that are this user's, for anybody makes files in /tmp; return how many.

    What is gone already, and what is no file, is left: it stops no run.
    """
    removed = 0
    for file in files:
        with suppress(OSError):
            if file.lstat().st_uid == os.geteuid():
                file.unlink()
                removed += 1
    return removed
