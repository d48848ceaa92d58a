# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Scoring in a process of its own, for rewards that may never return.

A thread would not do: a regular expression that backtracks for ever holds the interpreter's lock, and with it the
worker, its timer and its error message. A process can be ended, and says where it was.
"""

from __future__ import annotations

import asyncio
import faulthandler
import multiprocessing
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from verl_visual_rft.errors import RewardError
from verl_visual_rft.rewards import load_reward, score


class IsolatedScorer:
    """Scores one response after another in a child process, which is replaced when it does not return.

    Args:
        reward: As for `load_reward`.
        timeout: Seconds that scoring one response may take.
    """

    def __init__(self, reward: str | Mapping[str, Any], timeout: float) -> None:
        self._reward = reward
        self._timeout = timeout
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()  # one at a time, so that the one that breaks the process is known

    async def score(self, reward: str | Mapping[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
        """Score one response; ``arguments`` are those of `score`, ``reward`` another than this scorer's.

        Raises:
            RewardError: The reward did not return in time or ended the process; the message holds the traceback.
            UserError: As `score` raises it.
        """
        reward = self._reward if reward is None else reward
        async with self._turn:
            if self._pool is None:
                # Not forked: the worker has threads and an event loop that a copy would not survive.
                self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
            with tempfile.NamedTemporaryFile("r", prefix="visual-rft-", suffix=".trace") as trace:
                call = asyncio.get_running_loop().run_in_executor(
                    self._pool, _score, trace.name, self._timeout, reward, arguments
                )
                try:
                    return await call
                except BrokenProcessPool as error:
                    self.close()
                    where = trace.read().strip() or "the process died without a word"
                    raise RewardError(
                        f"reward {reward!r} did not return within {self._timeout:g} s (visual_rft.reward_timeout), "
                        f"or ended its process:\n{where}"
                    ) from error

    def close(self) -> None:
        """End the child process."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _score(trace: str, timeout: float, reward: str | Mapping[str, Any], arguments: dict[str, Any]) -> dict[str, float]:
    """Score in the child; past ``timeout`` its traceback goes to the file ``trace`` and the process ends."""
    loaded = load_reward(reward)  # imports take their time and are not the response's fault
    with open(trace, "w") as file:
        faulthandler.dump_traceback_later(timeout, exit=True, file=file)
        try:
            return score(reward=loaded, **arguments)
        finally:
            faulthandler.cancel_dump_traceback_later()
