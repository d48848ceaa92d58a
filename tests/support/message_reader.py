# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The reading end of a vLLM message queue, in a process of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any


def read(pipe: Connection, how_many: int, fixed: bool) -> None:
    """Read messages that are ``time.monotonic()`` when sent; answer (CPU seconds so far, delay) of each."""
    from vllm.distributed.device_communicators.shm_broadcast import MessageQueue

    if fixed:
        from verl_visual_rft.training.cpu.fixes import sleep_between_messages

        sleep_between_messages()
    queue = MessageQueue.create_from_handle(pipe.recv(), 0)
    queue.wait_until_ready()
    seen = []
    for _ in range(how_many):
        sent = queue.dequeue()
        seen.append((time.process_time(), time.monotonic() - sent))
    pipe.send(seen)


@contextmanager
def reader(how_many: int, fixed: bool = True) -> Iterator[tuple[Any, Connection]]:
    """A queue whose reader runs in another process, and the pipe that brings what `read` has seen."""
    from vllm.distributed.device_communicators.shm_broadcast import MessageQueue

    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=read, args=(theirs, how_many, fixed), daemon=True)
    process.start()
    queue = MessageQueue(n_reader=1, n_local_reader=1)
    ours.send(queue.export_handle())
    queue.wait_until_ready()
    try:
        yield queue, ours
    finally:
        process.kill()
        process.join()
