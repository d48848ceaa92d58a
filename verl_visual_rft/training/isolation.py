# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Scoring in a process of its own, for rewards that may never return.

A thread would not do: a regular expression that backtracks for ever holds the interpreter's lock, and with it the
worker, its timer and its error message. A process can be ended, and says where it was.

The process has an alarm, which writes its traceback. A reward may put that off, or stop the whole process: so there is
a second one out here, a little later.
"""

from __future__ import annotations

import asyncio
import faulthandler
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import IO, Any

from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.training.custom_function import CustomFunction

_IMPORT_SECONDS = 600.0  # for a reward's imports, torch perhaps, on a busy machine
_GRACE_SECONDS = 2.0  # between the alarm inside and the one out here, and for a last traceback


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
        self._loaded: set[str] = set()
        self._turn = asyncio.Lock()  # one at a time, so that the one that breaks the process is known

    async def score(self, reward: str | Mapping[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
        """Score one response; ``arguments`` are those of `score`, ``reward`` another than this scorer's.

        Raises:
            RewardError: The reward did not return in time or ended the process; the message holds the traceback.
            UserError: As `score` raises it.
        """
        reward = self._reward if reward is None else reward
        return await self._run(f"reward {reward!r}", _load, _score, reward, arguments)

    async def score_by(self, function: CustomFunction, arguments: Mapping[str, Any]) -> dict[str, float]:
        """Score one response by a function of veRL's kind; errors as of `score`."""
        return await self._run(str(function), _load_function, CustomFunction.score, function, arguments)

    async def _run(
        self, what: str, load: Callable[[Any], None], score: Callable[..., Any], reward: Any, arguments: Any
    ) -> dict[str, float]:
        async with self._turn:
            if self._pool is None:
                # Not forked: the worker has threads and an event loop that a copy would not survive.
                self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
            with tempfile.NamedTemporaryFile("r", prefix="visual-rft-", suffix=".trace") as trace:
                if what not in self._loaded:  # imports take their time and are not the response's fault
                    await self._call(f"the import of {what}", _IMPORT_SECONDS, trace, load, reward)
                    self._loaded.add(what)
                scored: dict[str, float] = await self._call(what, self._timeout, trace, score, reward, arguments)
                return scored

    async def _call(
        self, what: str, seconds: float, trace: IO[str], function: Callable[..., Any], *arguments: Any
    ) -> Any:
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._pool, _with_alarm, trace.name, seconds, function, *arguments)
        done, _ = await asyncio.wait([call], timeout=seconds + _GRACE_SECONDS)
        if not done:
            await self._end_child(call)
        try:
            return await call
        except BrokenProcessPool as error:
            self.close()
            where = trace.read().strip() or "the process died without a word"
            raise RewardError(
                f"{what} did not return within {seconds:g} s (visual_rft.reward_timeout), "
                f"or ended its process:\n{where}"
            ) from error

    async def _end_child(self, call: asyncio.Future[Any]) -> None:
        """End a child that put off its alarm; it is woken first, to write its traceback."""
        assert self._pool is not None
        children = list(self._pool._processes)  # their ids
        for number in (signal.SIGABRT, signal.SIGCONT):  # a stopped process finds the first when it wakes
            _send(children, number)
        await asyncio.wait([call], timeout=_GRACE_SECONDS)
        _send(children, signal.SIGKILL)

    def close(self) -> None:
        """End the child process."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
            self._loaded.clear()


def _send(children: list[int], number: signal.Signals) -> None:
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, number)


def _with_alarm(trace: str, seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in the child; past ``seconds`` its traceback goes to the file ``trace`` and the process ends."""
    with open(trace, "w") as file:
        faulthandler.enable(file=file)  # for a signal that ends it
        faulthandler.dump_traceback_later(seconds, exit=True, file=file)
        try:
            return function(*arguments)
        except UserError:
            raise
        except BaseException as error:  # of an import; what a reward raises is a RewardError already
            raise RewardError(f"raised {type(error).__name__} while it was imported: {error}") from error
        finally:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()


def _load(reward: str | Mapping[str, Any]) -> None:
    load_reward(reward)


def _load_function(function: CustomFunction) -> None:
    function.load()  # what it returns stays here


def _score(reward: str | Mapping[str, Any], arguments: dict[str, Any]) -> dict[str, float]:
    return score(reward=load_reward(reward), **arguments)
