# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""By what a run's processes, folders and memory are known to be its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

#: Environment variable that marks every process of a run that the launcher started with the run's folder.
RUN_MARK = "VISUAL_RFT_RUN"


def short_name(run: Path, characters: int) -> str:
    """Return a name of so many hexadecimal characters, the same for the same run, for where a path is too long."""
    return hashlib.sha256(str(run).encode()).hexdigest()[:characters]
