# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Scoring in a process of its own, for rewards that may never return.

A thread would not do: a regular expression that backtracks for ever holds the interpreter's lock, and with it the
worker, its timer and its error message. A process can be ended, and says where it was.

The clock is out here, where a reward cannot put it off: past the limit the process gets a signal, at which it writes
its traceback. It has a later alarm of its own, for when the worker that asked has been killed. A reward may also start
processes that hold on to everything they inherit, our connection too: so the end of the child is never waited for, and
what it has started is ended with it. What happens in the child: `served`.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from itertools import count
from typing import IO, Any

from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.input_files import parse_json
from verl_visual_rft.training.scoring.custom_function import CustomFunction
from verl_visual_rft.training.scoring.served import Scored

_IMPORT_SECONDS = 600.0  # for a reward's imports, torch perhaps, on a busy machine
_GRACE_SECONDS = 2.0  # for a last traceback, and for one that is awaited to end by the child's clock
_MOST_ANSWER = 1 << 24  # bytes of the components of one response


class IsolatedScorer:
    """Scores one response after another in a child process, which is replaced when it does not return.

    Args:
        reward: As for `load_reward`.
        timeout: Seconds that scoring one response may take.
    """

    def __init__(self, reward: str | Mapping[str, Any], timeout: float) -> None:
        self._reward = reward
        self._timeout = timeout
        self._child: _Child | None = None
        self._loaded: dict[str, dict[str, float]] = {}
        self._turn = asyncio.Lock()  # one at a time, so that the one that breaks the process is known

    async def score(self, reward: Scored | None = None, **arguments: Any) -> dict[str, float]:
        """Score one response; ``arguments`` are those of `score`, ``reward`` another than this scorer's.

        A `CustomFunction` gets the arguments that veRL passes it.

        Raises:
            RewardError: The reward did not return in time or ended the process; the message holds the traceback.
            UserError: As `score` raises it.
        """
        reward = self._reward if reward is None else reward
        async with self._turn:
            await self._load(reward)
            if not self._is_async(reward):
                return await self._call(_called(reward), self._timeout, reward, arguments)
        return await self._call(_called(reward), self._timeout, reward, arguments, grace=_GRACE_SECONDS)

    async def is_async(self, function: CustomFunction) -> bool:
        """Whether a function is to be awaited, as the process that may import it says; errors as of `score`."""
        async with self._turn:
            await self._load(function)
            return self._is_async(function)

    def _is_async(self, reward: Scored) -> bool:
        return bool(self._loaded[_called(reward)].get("is_async"))

    async def _load(self, reward: Scored) -> None:
        """Import a reward: that takes its time, and is not a response's fault."""
        if self._child is None:
            self._child = _Child()
        if (what := _called(reward)) not in self._loaded:
            self._loaded[what] = await self._call(f"the import of {what}", _IMPORT_SECONDS, reward, None)

    async def _call(
        self, what: str, seconds: float, reward: Scored, arguments: dict[str, Any] | None, grace: float = 0.0
    ) -> dict[str, float]:
        child = self._child
        assert child is not None
        try:
            kind, said = await child.ask(seconds, grace, reward, arguments)
        except BaseException as error:  # ours was cancelled, perhaps: then its answer must not be the next one's
            trace = child.last_words()
            if child is self._child:  # of several that are awaited in it, the first
                self.close()
            if not isinstance(error, EOFError):
                raise
            raise RewardError(
                f"{what} did not return within {seconds:g} s (visual_rft.reward_timeout), or ended its process"
                f"{', or another response did that is scored beside it' if grace else ''}:\n"
                f"{trace or 'the process died without a word'}"
            ) from None
        if kind == "scored":
            scored: dict[str, float] = said
            return scored
        message, trace = said
        raise (UserError if kind == "UserError" else RewardError)(message) from _InChild(trace)

    def close(self) -> None:
        """End the child process and what it has started."""
        if self._child is not None:
            self._child.end()
            self._child = None
            self._loaded.clear()


def _called(reward: Scored) -> str:
    return str(reward) if isinstance(reward, CustomFunction) else f"reward {reward!r}"


class _InChild(Exception):
    """The traceback of an error in the child, as the cause of the one out here."""


class _Child:
    """A process in a session of its own that answers numbered questions, see `served.serve`."""

    def __init__(self) -> None:
        self._asked: dict[int, asyncio.Future[tuple[str, Any]]] = {}
        self._numbers = count()
        self._sending = asyncio.Lock()
        self._reading: asyncio.Future[None] | None = None
        # The reward may write to it, too: anything.
        self._trace: IO[str] = tempfile.NamedTemporaryFile(  # noqa: SIM115
            "r", encoding="utf-8", errors="replace", prefix="visual-rft-", suffix=".trace"
        )
        self._socket, of_child = socket.socketpair()
        self._socket.setblocking(False)
        arguments = [sys.path, of_child.fileno(), self._trace.name]
        # Not forked: the worker has threads and an event loop that a copy would not survive.
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; {_START}", json.dumps(arguments)],
            stdin=subprocess.DEVNULL,
            pass_fds=[of_child.fileno()],
            start_new_session=True,
        )
        of_child.close()
        self._at_exit = weakref.finalize(self, _end, self._process, self._socket, self._trace)
        self._last_words: str | None = None

    async def ask(
        self, seconds: float, grace: float, reward: Scored, arguments: dict[str, Any] | None
    ) -> tuple[str, Any]:
        """Return what `served` answers.

        Raises:
            EOFError: The child has not answered in time, or not at all; its traceback is in `last_words`.
        """
        number = next(self._numbers)
        # The last two: the reward has written to our socket, too.
        try:
            with suppress(asyncio.TimeoutError, OSError, ValueError, UserError):
                return await asyncio.wait_for(self._answer(number, (seconds, reward, arguments)), seconds + grace)
        finally:
            self._asked.pop(number, None)
        # To write its traceback. A stopped process finds the first when it wakes.
        for signal_number in (signal.SIGABRT, signal.SIGCONT):
            self._process.send_signal(signal_number)
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=_GRACE_SECONDS)
        raise EOFError

    def last_words(self) -> str:
        """Return the traceback that it left."""
        if self._last_words is None:
            self._last_words = self._trace.read().strip()
        return self._last_words

    def end(self) -> None:
        """End it and what it has started, if that is not done."""
        self.last_words()  # while there is the file
        if self._reading is not None and self._socket.fileno() >= 0:
            loop = self._reading.get_loop()
            loop.remove_reader(self._socket)  # its number may be the next child's
            loop.remove_writer(self._socket)
            self._reading.cancel()
        self._at_exit()

    async def _answer(self, number: int, question: tuple[Any, ...]) -> tuple[str, Any]:
        loop, content = asyncio.get_running_loop(), pickle.dumps((number, *question))
        answer: asyncio.Future[tuple[str, Any]] = loop.create_future()
        self._asked[number] = answer
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read_answers())
        sending = asyncio.ensure_future(self._send(len(content).to_bytes(8, "big") + content))
        try:
            # Both at once: where the child ends, `answer` fails, while what is not sent yet would wait for ever.
            await asyncio.gather(sending, answer)
            return answer.result()
        finally:
            sending.cancel()

    async def _send(self, content: bytes) -> None:
        async with self._sending:
            await asyncio.get_running_loop().sock_sendall(self._socket, content)

    async def _read_answers(self) -> None:
        """Give each answer to who waits for it, until there is one that is none."""
        try:
            async for line in self._lines():
                match parse_json(line):
                    case [int(number), "scored", {} as said] if number in self._asked:
                        answer: tuple[str, Any] = ("scored", said)
                    case [int(number), "UserError" | "RewardError" as kind, [str(), str()] as said] if (
                        number in self._asked
                    ):
                        answer = (kind, said)
                    case _:
                        return
                if not self._asked[number].done():
                    self._asked[number].set_result(answer)
        except (OSError, ValueError, UserError):
            return  # it has ended, or the reward has written to our socket
        finally:
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("no answer of ours"))

    async def _lines(self) -> AsyncIterator[bytes]:
        loop, rest = asyncio.get_running_loop(), b""
        while (piece := await loop.sock_recv(self._socket, 1 << 16)) and len(rest) < _MOST_ANSWER:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line


def _end(process: subprocess.Popen[bytes], connection: socket.socket, trace: IO[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # Permission: it has ended, and its id is another's
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    connection.close()
    trace.close()


_START = (
    "import json; path, *rest = json.loads(sys.argv.pop()); sys.path[:] = path; "
    "from verl_visual_rft.training.scoring.served import serve; serve(*rest)"
)
