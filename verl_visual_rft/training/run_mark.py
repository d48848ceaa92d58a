# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""By what a run's processes, folders and memory are known to be its own."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

#: Environment variable that marks every process of a run that the launcher started with the run's folder.
RUN_MARK = "VISUAL_RFT_RUN"

#: Environment variable of the processes of a training with this package's configuration.
PLUGIN_MARK = "VISUAL_RFT_PLUGIN"
_CONFIGURATION = "pkg://verl_visual_rft.training.config"


def is_ours() -> bool:
    """Whether this process belongs to a training with this package's configuration, started by a launcher or by hand.

    The command is known by naming the configuration. It marks its environment, which Ray's workers and vLLM's processes
    inherit, on other nodes by `verl_visual_rft.training.cluster.forward_environment`.
    """
    values = (argument.rpartition("=")[2].rstrip("/") for argument in sys.argv)  # --config-path VALUE or =VALUE
    if PLUGIN_MARK not in os.environ and _CONFIGURATION in values:
        os.environ[PLUGIN_MARK] = "1"
    return os.environ.get(PLUGIN_MARK) == "1"


def short_name(run: Path, characters: int) -> str:
    """Return a name of so many hexadecimal characters for where a path is too long.

    It is the same for each start of a run, and another for a run in another container, which may have the same path
    and share /tmp or /dev/shm (``docker run --ipc=host``): the process namespace is part of it (Linux).
    """
    namespace = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{namespace} {run}".encode()).hexdigest()[:characters]
