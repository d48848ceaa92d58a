# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Functions called in processes of their own that have torch, transformers and veRL imported: forks of one server.

veRL patches transformers, so its workers run apart from pytest. Their imports cost 7 s in a fresh process and nothing
in a fork of one that has made them.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

#: What veRL's workers import, at once or while they load a model.
PRELOADED = [
    "torch.distributed.checkpoint",
    "transformers.models.qwen2_vl.processing_qwen2_vl",
    "transformers.tokenization_mistral_common",
    "verl.trainer.ppo.v1",
    "verl.workers.engine_workers",
]
#: Of the server, so of every fork: numbers of threads are read when libraries are loaded. Tests run beside each other.
ENVIRONMENT = {"VERL_PLATFORM": "cpu", "OMP_NUM_THREADS": "1", "VISUAL_RFT_PLUGIN": "1"}


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (negative: the signal) and what it wrote to stdout and stderr."""

    status: int
    output: str


def run(function: Callable[..., Any], *arguments: Any, timeout: float = 300) -> None:
    """Call ``function`` of an importable module as the only rank; fail with its output where it does."""
    (ended,) = run_ranks(1, function, *arguments, timeout=timeout)
    assert ended.status == 0, ended.output[-5000:]


def run_ranks(ranks: int, function: Callable[..., Any], *arguments: Any, timeout: float = 300) -> list[Ended]:
    """Call ``function`` in ``ranks`` processes that have what torchrun sets in their environment, and wait for them."""
    context = _server()
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port(), "WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks}
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / f"{rank}.log" for rank in range(ranks)]
        processes = []
        for rank, log in enumerate(logs):
            variables = group | {"RANK": rank, "LOCAL_RANK": rank}
            environment = {name: str(value) for name, value in variables.items()}
            processes.append(context.Process(target=_call, args=(environment, log, function, arguments)))
        try:
            for process in processes:
                process.start()
            for process in processes:
                process.join(timeout)
        finally:
            for process in processes:
                process.kill()
                process.join()
        return [Ended(process.exitcode, log.read_text()) for process, log in zip(processes, logs, strict=True)]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _server() -> multiprocessing.context.ForkServerContext:
    """Start the server, where none runs, in the environment that its forks need; it ends with this process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    try:
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return context


def _call(environment: dict[str, str], log: Path, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    with open(log, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    missing = [name for name in PRELOADED if name not in sys.modules]
    assert not missing, f"the server could not import {missing}"  # it swallows ImportErrors
    os.environ.update(environment)
    gc.freeze()  # looked at by the collector, what is imported would be copied
    function(*arguments)
