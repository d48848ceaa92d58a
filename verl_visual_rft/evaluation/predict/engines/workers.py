# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Data parallelism: copies of one model, each in a process with a GPU of its own."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import Queue
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.engines.engine import Engine, EngineSettings, Response, Row, answer_in_parallel
from verl_visual_rft.gpus import visible_gpus


def visible_devices() -> list[str]:
    """Return the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    try:
        import torch
    except ImportError as error:
        raise UserError(f"torch cannot be imported ({error}); run scripts/setup.sh, or use --engine openai") from error

    return visible_gpus() if torch.cuda.is_available() else []


class WorkerPool:
    """Workers that take batches in turn; which worker answers a batch does not change the answers.

    Args:
        settings: What each worker loads: an engine of one worker.
        devices: The GPU of each worker; ``None`` for a worker on the CPU.
    """

    def __init__(self, settings: EngineSettings, devices: Sequence[str | None]) -> None:
        """Start the workers; each loads the model with its first batch."""
        context = multiprocessing.get_context("spawn")  # a forked child cannot use CUDA
        queue = context.Queue()
        for device in devices:
            queue.put(device)
        self._count = len(devices)
        self._executor = ProcessPoolExecutor(
            self._count, mp_context=context, initializer=_begin, initargs=(settings, queue)
        )

    def describe(self) -> dict[str, Any]:
        """Return what a worker says, and how many there are."""
        return self._executor.submit(_describe).result() | {"workers": self._count}

    def answer(self, batches: Iterable[Sequence[Row]]) -> Iterator[tuple[Sequence[Row], list[Response]]]:
        """Answer batches, one in each worker and one more waiting for it.

        Raises:
            UserError: A row cannot be asked, or a worker died.
        """
        try:
            yield from answer_in_parallel(
                lambda batch: self._executor.submit(_answer, batch), batches, at_once=2 * self._count
            )
        except BrokenProcessPool as error:
            raise UserError(
                "a worker died, most likely for lack of memory (see its messages above); the answers so far are kept, "
                "run the same command again with fewer --workers"
            ) from error

    def close(self) -> None:
        """End the workers, in the middle of a batch too."""
        processes = list((self._executor._processes or {}).values())
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


_settings: EngineSettings
_engine: Engine | None = None


def _begin(settings: EngineSettings, devices: Queue[str | None]) -> None:
    global _settings
    _settings = settings
    device = devices.get()
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """A worker must not outlive a killed parent: the next run would find its GPU full."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _loaded() -> Engine:
    global _engine
    _engine = _engine or _settings.load()
    return _engine


def _describe() -> dict[str, Any]:
    return _loaded().describe()


def _answer(rows: Sequence[Row]) -> list[Response]:
    ((_, answers),) = _loaded().answer([rows])
    return answers
