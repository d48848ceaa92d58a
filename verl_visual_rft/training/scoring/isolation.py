# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Scoring in a process of its own, for rewards that may never return.

A thread would not do: a regular expression that backtracks for ever holds the interpreter's lock, and with it the
worker, its timer and its error message. A process can be ended, and says where it was.

The clock is out here, where a reward cannot put it off: past the limit the process gets a signal, at which it writes
its traceback. It has a later alarm of its own, for when the worker that asked has been killed. A reward may also start
processes that hold on to everything they inherit, our connection too: so the end of the child is never waited for, and
what it has started is ended with it.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.input_files import parse_json
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.training.scoring.custom_function import CustomFunction

#: What scores: a reward of ours or of another package, as for `load_reward`, or a function of a file.
Scored = str | Mapping[str, Any] | CustomFunction

_IMPORT_SECONDS = 600.0  # for a reward's imports, torch perhaps, on a busy machine
_GRACE_SECONDS = 2.0  # for a last traceback
_ALARM_SECONDS = 10.0  # between the limit and the alarm inside: never both, two tracebacks in one file would be neither
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
            return await self._call(_called(reward), self._timeout, reward, arguments)

    async def is_async(self, function: CustomFunction) -> bool:
        """Whether a function is to be awaited, as the process that may import it says; errors as of `score`."""
        async with self._turn:
            await self._load(function)
            return self._loaded[_called(function)]["is_async"] == 1

    async def _load(self, reward: Scored) -> None:
        """Import a reward: that takes its time, and is not a response's fault."""
        if self._child is None:
            self._child = _Child()
        if (what := _called(reward)) not in self._loaded:
            self._loaded[what] = await self._call(f"the import of {what}", _IMPORT_SECONDS, reward, None)

    async def _call(
        self, what: str, seconds: float, reward: Scored, arguments: dict[str, Any] | None
    ) -> dict[str, float]:
        assert self._child is not None
        try:
            kind, said = await self._child.ask(seconds, reward, arguments)
        except BaseException as error:  # ours was cancelled, perhaps: then its answer must not be the next one's
            trace = self._child.trace.read().strip()
            self.close()
            if not isinstance(error, EOFError):
                raise
            raise RewardError(
                f"{what} did not return within {seconds:g} s (visual_rft.reward_timeout), "
                f"or ended its process:\n{trace or 'the process died without a word'}"
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
    """A process in a session of its own that answers one question at a time."""

    def __init__(self) -> None:
        self.trace: IO[str] = tempfile.NamedTemporaryFile("r", prefix="visual-rft-", suffix=".trace")  # noqa: SIM115
        self._socket, of_child = socket.socketpair()
        self._socket.setblocking(False)
        arguments = [sys.path, of_child.fileno(), self.trace.name]
        # Not forked: the worker has threads and an event loop that a copy would not survive.
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; {_START}", json.dumps(arguments)],
            stdin=subprocess.DEVNULL,
            pass_fds=[of_child.fileno()],
            start_new_session=True,
        )
        of_child.close()
        self._at_exit = weakref.finalize(self, _end, self._process, self._socket, self.trace)

    async def ask(self, seconds: float, reward: Scored, arguments: dict[str, Any] | None) -> tuple[str, Any]:
        """Return what `_answer` does.

        Raises:
            EOFError: The child has not answered in time, or not at all; its traceback is in ``trace``.
        """
        question = pickle.dumps((seconds, reward, arguments))
        # The last two: the reward has written to our socket, too.
        with suppress(asyncio.TimeoutError, OSError, ValueError, UserError):
            return await asyncio.wait_for(self._exchange(question), seconds)
        # To write its traceback. A stopped process finds the first when it wakes.
        for number in (signal.SIGABRT, signal.SIGCONT):
            self._process.send_signal(number)
        with suppress(asyncio.TimeoutError, OSError):
            await asyncio.wait_for(self._read_line(), _GRACE_SECONDS)
        raise EOFError

    def end(self) -> None:
        """End it and what it has started, if that is not done."""
        self._at_exit()

    async def _exchange(self, question: bytes) -> tuple[str, Any]:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, len(question).to_bytes(8, "big") + question)
        match parse_json(await self._read_line()):
            case ["scored", {} as said]:
                return "scored", said
            case ["UserError" | "RewardError" as kind, [str(), str()] as said]:
                return kind, said
        raise ValueError("no answer of ours")

    async def _read_line(self) -> bytes:
        loop, line = asyncio.get_running_loop(), bytearray()
        while not line.endswith(b"\n"):
            piece = await loop.sock_recv(self._socket, 1 << 16)
            line += piece
            if not piece or len(line) > _MOST_ANSWER:
                raise ConnectionError("no whole answer")
        return bytes(line)


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
    "from verl_visual_rft.training.scoring.isolation import serve; serve(*rest)"
)


def serve(connection: int, trace: str) -> None:
    """Answer the questions of a `_Child`, in its process, until nobody is there to ask them.

    Args:
        connection: File descriptor of the socket.
        trace: File for a last traceback.
    """
    own = os.getpid()
    with socket.socket(fileno=connection) as asking, asking.makefile("rb") as questions:
        while size := questions.read(8):
            seconds, reward, arguments = pickle.loads(questions.read(int.from_bytes(size, "big")))
            answer = _answer(trace, seconds, reward, arguments)
            if os.getpid() != own:
                os._exit(0)  # a copy that the reward has made of this process, and that has returned here, too
            asking.sendall(json.dumps(answer).encode() + b"\n")
    os.killpg(0, signal.SIGKILL)  # and threads that the reward has left running


def _answer(trace: str, seconds: float, reward: Scored, arguments: dict[str, Any] | None) -> tuple[str, Any]:
    """Score a response, or only import the reward; long past ``seconds`` the process ends.

    Returns:
        "scored" and the components, or the kind of the error, its message and its traceback.
    """
    with open(trace, "w") as file:
        faulthandler.enable(file=file)  # for a signal that ends it
        faulthandler.dump_traceback_later(seconds + _ALARM_SECONDS, exit=True, file=file)
        try:
            if isinstance(reward, CustomFunction):
                return "scored", reward.score(arguments) if arguments else {"is_async": float(reward.is_async)}
            loaded = load_reward(reward)
            return "scored", score(reward=loaded, **arguments) if arguments else {}
        except UserError as error:
            kind = RewardError if isinstance(error, RewardError) else UserError
            return kind.__name__, (str(error), traceback.format_exc())
        except BaseException as error:  # of an import; what a reward raises is a RewardError already
            message = f"raised {type(error).__name__} while it was imported: {error}"
            return RewardError.__name__, (message, traceback.format_exc())
        finally:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()
