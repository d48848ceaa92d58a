# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The trainer waits for rollouts until a worker says that a prompt is finished.

veRL 0.9.1 looks every 2.0 s, which no option changes (``trainer/ppo/v1/replay_buffer.py:144``): a step waits 1 s too
long on average, and each look asks the transfer queue for all that it holds, while vLLM wants the processor.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

#: Seconds after which the trainer looks all the same, for workers that have died.
LOOK_AFTER = 1.0


class FinishedPrompts:
    """Number of prompts that a worker has finished; lives in the worker's event loop."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = asyncio.Event()

    def add(self) -> None:
        """Count one."""
        self._count += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def more_than(self, count: int) -> int:
        """Return the number when it is above ``count``."""
        while self._count <= count:
            await self._changed.wait()
        return self._count


class Rollouts:
    """The trainer's view of the workers: one question is open with each.

    Args:
        workers: Ray's handles, of workers with a method ``finished_prompts(more_than)``.
    """

    def __init__(self, workers: Iterable[Any]) -> None:
        self._seen = dict.fromkeys(workers, 0)
        self._questions: dict[Any, Any] = {}

    def wait(self) -> None:
        """Return when a worker has finished a prompt since it last said so, or after `LOOK_AFTER` seconds."""
        import ray
        from ray.exceptions import RayActorError

        for worker, seen in self._seen.items():
            if worker not in self._questions:
                self._questions[worker] = worker.finished_prompts.remote(seen)
        if not self._questions:
            time.sleep(LOOK_AFTER)
            return
        answered, _ = ray.wait(list(self._questions.values()), num_returns=1, timeout=LOOK_AFTER)
        for worker in [worker for worker, question in self._questions.items() if question in answered]:
            try:
                self._seen[worker] = ray.get(self._questions.pop(worker))
            except RayActorError:
                del self._seen[worker]  # who watches over the workers ends the run and says why
