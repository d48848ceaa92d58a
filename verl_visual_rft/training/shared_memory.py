# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Shared memory that goes with the run that made it.

Symptom: every training leaves files of up to 240 MB in ``/dev/shm``, as much of them in memory as was written to, until
the machine starts anew. vLLM's processes talk through shared memory that they remove in order, and Ray kills them
together with the process that Python has clean up after them. ray 2.60, vllm 0.27
``distributed/device_communicators/shm_broadcast.py``, verl 0.9.1 ``bucketed_weight_transfer.py``.
"""

from __future__ import annotations

import hashlib
from functools import wraps
from multiprocessing import shared_memory
from pathlib import Path
from types import ModuleType
from typing import Any

_FOLDER = Path("/dev/shm")  # Linux


def name_by_run(run: str) -> None:
    """Let this process name its shared memory so that `remove_all_of` finds it.

    Args:
        run: The run's folder, as in the mark of its processes.
    """
    setattr(shared_memory, "_SHM_NAME_PREFIX", f"/{_prefix(run)}")  # noqa: B010


def remove_all_of(run: Path) -> int:
    """Remove what processes of ``run`` that are ended have left; return how many segments."""
    left = list(_FOLDER.glob(f"{_prefix(str(run))}*"))
    for segment in left:
        segment.unlink(missing_ok=True)
    return len(left)


def _prefix(run: str) -> str:
    # Python's names have 14 characters with the slash; four remain for the draw of a free one.
    return f"v{hashlib.sha256(run.encode()).hexdigest()[:7]}_"


def unname_weights(bucketed_weight_transfer: ModuleType) -> None:
    """Take the name from the memory through which veRL sends weights as soon as both ends have it.

    It goes with them then, however they end. On GPUs weights go another way.
    """
    sender = bucketed_weight_transfer.BucketedWeightSender
    initialize = sender._init_buffer

    @wraps(initialize)
    def _init_buffer(self: Any) -> None:
        initialize(self)  # returns when the receiver has it
        if self.shm is not None:
            self.shm.unlink()
            self.shm.unlink = _nothing_to_unlink

    sender._init_buffer = _init_buffer


def _nothing_to_unlink() -> None:
    return
