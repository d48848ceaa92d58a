# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A run ends within a minute of the death of one of its workers, and says which.

veRL 0.9.1 starts rollouts without waiting for them and then looks for their results in the transfer queue, for ever
(``trainer/ppo/v1/replay_buffer.py:449``): when the process that was to bring them has died, nobody notices. So a thread
of the trainer's process asks every worker whether it is there. Where the trainer waits for rollouts it raises; where it
is stuck in a call that never returns (a weight update into a dead vLLM engine, say), the thread ends the process, but
not in the middle of a checkpoint.
"""

from __future__ import annotations

import faulthandler
import http.client
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayActorError

from verl_visual_rft.errors import UserError

_LOOK_EVERY = 5.0  # seconds
_GRACE = 10.0  # seconds in which the trainer may end the run by itself, in better order
_CHECKPOINT_WITHIN = 1800.0  # seconds that the writing of a checkpoint may take
_LOG_TRAVELS = 2.0  # seconds for the last words to reach the terminal of the run: Ray carries them there
_ANSWER_WITHIN = 5.0  # seconds for a server that is not busy
_ENGINE_DEAD = 503  # what vLLM's server answers then (vllm 0.27 entrypoints/serve/instrumentator/health.py)


class LostWorkerError(UserError):
    """A process that the run needs has died."""


class WorkerWatch:
    """Looks after the workers of a run from its trainer's process, between ``with`` and its end.

    Args:
        actors: Ray's handles of the workers, by what to call them.
        servers: Addresses (host:port) of vLLM's servers, by what to call them; their engines are processes that Ray
            knows nothing of.

    Attributes:
        checkpoint: Held by the trainer while it writes one, which is worth more than an early end.
    """

    def __init__(self, actors: Mapping[str, Any], servers: Mapping[str, str]) -> None:
        self.checkpoint = threading.Lock()
        self._actors, self._servers = actors, servers
        self._questions: dict[str, Any] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="visual-rft worker watch", daemon=True)
        self._lost = ""

    def __enter__(self) -> WorkerWatch:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Look no more: what is wrong with the workers from here on is no news."""
        self._ended.set()
        self._thread.join(_ANSWER_WITHIN)

    def check(self) -> None:
        """Return at once if all workers were there at the last look.

        Raises:
            LostWorkerError: One was not.
        """
        if self._lost:
            raise LostWorkerError(self._lost)

    def check_again(self) -> None:
        """Look once more, then `check`: something else has failed, and a worker's death may be the cause.

        Raises:
            LostWorkerError: It was.
        """
        end = time.monotonic() + _LOOK_EVERY + _ANSWER_WITHIN
        while not self._lost and time.monotonic() < end:
            time.sleep(0.1)
        self.check()

    def look(self) -> str:
        """Return which worker has died, with the cause as far as it is known; an empty string where none has."""
        return self._dead_actor() or self._dead_engine()

    def _dead_actor(self) -> str:
        # One question is left open with each: busy workers answer late, dead ones never do, and Ray says so at once.
        for name, actor in self._actors.items():
            if name not in self._questions:
                self._questions[name] = actor.__ray_ready__.remote()
        open_questions = list(self._questions.values())
        answered, _ = ray.wait(open_questions, num_returns=len(open_questions), timeout=0)
        for name in [name for name, question in self._questions.items() if question in answered]:
            try:
                ray.get(self._questions.pop(name))
            except ActorDiedError as error:
                return f"{name} died: {_cause(error)}"
            except ActorUnavailableError:
                continue  # the network failed, or it is just dying: ask again
        return ""

    def _dead_engine(self) -> str:
        for name, address in self._servers.items():
            if reason := dead_engine(address):
                return f"{name} died: {reason}"
        return ""

    def _watch(self) -> None:
        while not self._lost and not self._ended.wait(_LOOK_EVERY):
            self._lost = self.look()
        if not self._lost or self._ended.wait(_GRACE):
            return
        self.checkpoint.acquire(timeout=_CHECKPOINT_WITHIN)  # where its writing fails, the trainer ends by itself
        if not self._ended.is_set():
            faulthandler.dump_traceback(sys.stderr)  # where the trainer is stuck
            print(f"{LostWorkerError.__module__}.{LostWorkerError.__name__}: {self._lost}", file=sys.stderr, flush=True)
            time.sleep(_LOG_TRAVELS)
            os._exit(1)


def dead_engine(address: str) -> str:
    """Return why the engine behind a vLLM server is dead; an empty string where it is not known to be."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the server is in this cluster
    try:
        opener.open(f"http://{address}/health", timeout=_ANSWER_WITHIN).close()
    except urllib.error.HTTPError as error:
        return "its server says that the engine is dead, see the log above" if error.code == _ENGINE_DEAD else ""
    except (OSError, http.client.HTTPException) as error:  # a busy server may answer late, one that refuses has gone
        refused = isinstance(getattr(error, "reason", error), ConnectionRefusedError)
        return f"nobody answers at {address}" if refused else ""
    return ""


def workers_of(trainer: Any, agent_loop_manager: Any) -> WorkerWatch:
    """Return the watch over the workers of veRL's trainer (verl 0.9.1 ``trainer_base.py:_setup``)."""
    import transfer_queue.interface as queue

    groups = {
        "training worker": trainer.actor_rollout_wg.workers,
        "agent loop worker": agent_loop_manager.agent_loop_workers,
        "reward worker": trainer.get_reward_handles() or (),
        "vLLM server": [
            server for replica in trainer.llm_server_manager.rollout_replicas for server in replica.servers
        ],
        "transfer queue storage": ((queue._TQ_STORAGE or {}).get("SimpleStorage") or {}).values(),
        "transfer queue controller": [ray.get_actor("TransferQueueController", namespace="transfer_queue")],
        "load balancer": [trainer.llm_server_manager.global_load_balancer],
    }
    actors = {f"{name} {number}": actor for name, workers in groups.items() for number, actor in enumerate(workers)}
    addresses = trainer.llm_server_manager.server_addresses
    return WorkerWatch(actors, {f"vLLM engine {number}": address for number, address in enumerate(addresses)})


def _cause(error: RayActorError) -> str:
    r"""Return Ray's words in one line, without its names for the actor and its advice on memory.

    Example:
        >>> _cause(RayActorError(error_msg="The actor died.\n\tactor_id: 3f\n\tpid: 7\nWorker exit detail: killed"))
        'The actor died. pid: 7 Worker exit detail: killed'
    """
    text = re.sub(r"\s+", " ", str(error)).strip()
    text = re.sub(r"\b(?:class_name|actor_id|name|namespace): \S+ ", "", text)
    return text.partition(" If the process was killed by the kernel")[0]
