# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Shared memory that goes with the run that made it.

Symptom: every training leaves files of up to 240 MB in ``/dev/shm``, as much of them in memory as was written to, until
the machine starts anew. vLLM's processes talk through shared memory that they remove in order, and Ray kills them
together with the process that Python has clean up after them; the semaphores of a killed pool of processes stay too.
ray 2.60, vllm 0.27 ``distributed/device_communicators/shm_broadcast.py``, verl 0.9.1 ``bucketed_weight_transfer.py``.
"""

from __future__ import annotations

import multiprocessing
from functools import wraps
from multiprocessing import shared_memory
from pathlib import Path
from types import ModuleType
from typing import Any

from verl_visual_rft.training.run_mark import remove_own, short_name

_FOLDER = Path("/dev/shm")  # Linux


def name_by_run(run: Path) -> None:
    """Let this process and its children name their shared memory and semaphores so that `remove_all_of` finds them."""
    setattr(shared_memory, "_SHM_NAME_PREFIX", f"/{_prefix(run)}")  # noqa: B010
    getattr(multiprocessing.current_process(), "_config")["semprefix"] = f"/{_prefix(run)}"  # noqa: B009


def remove_all_of(run: Path) -> int:
    """Remove what processes of ``run`` that are ended have left; return how many segments and semaphores."""
    return remove_own([*_FOLDER.glob(f"{_prefix(run)}*"), *_FOLDER.glob(f"sem.{_prefix(run)}*")])


def send_weights_through_named_memory(bucketed_weight_transfer: ModuleType) -> None:
    """Have veRL send weights through memory of such a name, not of one of its own. On GPUs it needs no memory."""
    sender = bucketed_weight_transfer.BucketedWeightSender
    initialize = sender._init_buffer

    @wraps(initialize)
    def _init_buffer(self: Any) -> None:
        if not self.use_shm:
            initialize(self)
            return
        import torch

        self.shm = shared_memory.SharedMemory(create=True, size=self.bucket_size)
        self.socket.send_pyobj({"name": self.shm.name, "size": self.bucket_size})
        self.socket.recv()
        self.buffer = torch.frombuffer(self.shm.buf, dtype=torch.uint8)

    sender._init_buffer = _init_buffer


def _prefix(run: Path) -> str:
    # Python's names have 14 characters with the slash; four remain for the draw of a free one.
    return f"v{short_name(run, 7)}_"
