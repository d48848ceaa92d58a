# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the child process of `isolation` does: answer numbered questions, each by scoring a response.

One after the other, so that the one that breaks the process is known; but functions that are awaited, because they
wait for a server, beside each other in one event loop.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import pickle
import signal
import socket
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.training.scoring.custom_function import CustomFunction

#: What scores: a reward of ours or of another package, as for `load_reward`, or a function of a file.
Scored = str | Mapping[str, Any] | CustomFunction

_ALARM_SECONDS = 10.0  # between the limit and the alarm inside: never both, two tracebacks in one file would be neither


class _Question(NamedTuple):
    """A response to score within some seconds; without arguments, the reward is only imported."""

    number: int
    seconds: float
    reward: Scored
    arguments: dict[str, Any] | None

    @property
    def is_awaited(self) -> bool:
        return self.arguments is not None and isinstance(self.reward, CustomFunction) and self.reward.is_async


def serve(connection: int, trace: str) -> None:
    """Answer questions until nobody is there to ask them.

    Args:
        connection: File descriptor of the socket: a length of 8 bytes and a pickle asks, a line of JSON answers.
        trace: File for a last traceback.
    """
    own = os.getpid()
    # A process that the reward forks must neither take a question of ours nor hold our end open.
    os.register_at_fork(after_in_child=lambda: os.dup2(os.open(os.devnull, os.O_RDWR), connection))
    try:
        with socket.socket(fileno=connection) as asking:
            _serve(asking, trace, own)
    except BaseException as error:
        if os.getpid() == own and not isinstance(error, ConnectionError):  # that: who asked was killed
            traceback.print_exc()
    if os.getpid() != own:
        os._exit(0)
    os.killpg(0, signal.SIGKILL)  # and threads that the reward has left running


def _serve(asking: socket.socket, trace: str, own: int) -> None:
    while (size := asking.recv(8, socket.MSG_WAITALL)) and len(size) == 8:
        question = _Question(*pickle.loads(asking.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)))
        if question.is_awaited:
            # Not `asyncio.run`, which in the end waits for the threads that the reward has started.
            asyncio.new_event_loop().run_until_complete(_serve_awaited(asking, trace, question))
            return
        answer = _answer(trace, question)
        if os.getpid() != own:
            os._exit(0)  # a copy that the reward has made of this process, and that has returned here, too
        asking.sendall(_line(question, answer))


def _answer(trace: str, question: _Question) -> tuple[str, Any]:
    """Score a response, or only import the reward; long past the limit the process ends.

    Returns:
        "scored" and the components, or the kind of the error, its message and its traceback.
    """
    with open(trace, "w") as file:
        faulthandler.enable(file=file)  # for a signal that ends it
        faulthandler.dump_traceback_later(question.seconds + _ALARM_SECONDS, exit=True, file=file)
        try:
            return "scored", _scored(question.reward, question.arguments)
        except BaseException as error:
            return _failed(error)
        finally:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()


def _scored(reward: Scored, arguments: dict[str, Any] | None) -> dict[str, float]:
    if isinstance(reward, CustomFunction):
        return reward.score(arguments) if arguments else {"is_async": float(reward.is_async)}
    loaded = load_reward(reward)
    return score(reward=loaded, **arguments) if arguments else {}


async def _serve_awaited(asking: socket.socket, trace: str, first: _Question) -> None:
    """Answer questions to functions that are awaited; while one of them blocks the process, no other goes on."""
    loop, unanswered = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    asking.setblocking(False)
    sending = asyncio.Lock()

    async def answer(question: _Question) -> None:
        assert isinstance(question.reward, CustomFunction) and question.arguments is not None
        said: tuple[str, Any]
        try:
            said = "scored", await question.reward.score_async(question.arguments, question.seconds)
        except BaseException as error:
            said = _failed(error)
        async with sending:
            await loop.sock_sendall(asking, _line(question, said))

    def answered(task: asyncio.Task[None]) -> None:
        unanswered.discard(task)
        if not unanswered:
            faulthandler.cancel_dump_traceback_later()

    async def received(size: int) -> bytes:
        content = b""
        while len(content) < size and (piece := await loop.sock_recv(asking, size - len(content))):
            content += piece
        return content

    with open(trace, "w") as file:
        faulthandler.enable(file=file)
        question = first
        while True:
            faulthandler.dump_traceback_later(question.seconds + _ALARM_SECONDS, exit=True, file=file)
            task = asyncio.create_task(answer(question))
            unanswered.add(task)
            task.add_done_callback(answered)
            size = await received(8)
            if len(size) < 8:
                return
            question = _Question(*pickle.loads(await received(int.from_bytes(size, "big"))))


def _failed(error: BaseException) -> tuple[str, Any]:
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, UserError):
        kind = RewardError if isinstance(error, RewardError) else UserError
        return kind.__name__, (str(error), trace)
    # What a reward raises is a RewardError already.
    return RewardError.__name__, (f"raised {type(error).__name__} while it was imported: {error}", trace)


def _line(question: _Question, answer: tuple[str, Any]) -> bytes:
    return json.dumps([question.number, *answer]).encode() + b"\n"
