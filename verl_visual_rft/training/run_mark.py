# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""By what a run's processes, folders and memory are known to be its own."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

#: Environment variable that marks every process of a run that the launcher started with the run's folder.
RUN_MARK = "VISUAL_RFT_RUN"


def short_name(run: Path, characters: int) -> str:
    """Return a name of so many hexadecimal characters for where a path is too long.

    It is the same for each start of a run, and another for a run in another container, which may have the same path
    and share /tmp or /dev/shm (``docker run --ipc=host``): the process namespace is part of it (Linux).
    """
    namespace = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{namespace} {run}".encode()).hexdigest()[:characters]
