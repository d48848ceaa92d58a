# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which symbols of veRL, vLLM and others are this package's in the process that asks: their code stands in it.

As a program: in a fresh process that imports all that this package touches, and in which vLLM loads its plug-ins.
``VERL_USE_EXTERNAL_MODULES=upstream_symbols``: in a process of a real run, when it ends; written to a file of its own
in the folder ``UPSTREAM_SYMBOLS``.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

#: Modules that are extended, and those that have taken what is extended from them.
MODULES = (
    "importlib.metadata",
    "multiprocessing.shared_memory",
    "torch.nn.functional",
    "verl.plugin.platform.platform_manager",
    "verl.utils.checkpoint.checkpoint_handler",
    "verl.utils.dataset.rl_dataset",
    "verl.utils.device",
    "verl.utils.distributed",
    "verl.utils.tensordict_utils",
    "verl.utils.torch_functional",
    "verl.utils.tracking",
    "verl.models.transformers.qwen2_vl",
    "verl.trainer.constants_ppo",
    "verl.trainer.ppo.core_algos",
    "verl.trainer.ppo.v1.trainer_base",
    "verl.trainer.ppo.v1.trainer_sync",
    "verl.workers.engine.base",
    "verl.workers.engine.fsdp.transformer_impl",
    "verl.workers.engine_workers",
    "verl.workers.rollout.utils",
    "verl.workers.rollout.vllm_rollout.bucketed_weight_transfer",
    "verl.workers.rollout.vllm_rollout.vllm_async_server",
    "verl.workers.rollout.vllm_rollout.vllm_rollout",
    "vllm.distributed.device_communicators.shm_broadcast",
    "vllm.model_executor.layers.utils",
    "vllm.multimodal.hasher",
    "vllm.multimodal.processing.context",
)


def ours() -> list[str]:
    """Names of what is of this package in `MODULES`, as far as loaded: attributes, members of classes, registries."""
    found = []
    for name in filter(sys.modules.__contains__, MODULES):
        for attribute, value in vars(sys.modules[name]).items():
            if _is_ours(value):
                found.append(f"{name}.{attribute}")
            if isinstance(value, type) and value.__module__ == name:
                found += [f"{name}.{attribute}.{member}" for member, it in vars(value).items() if _is_ours(it)]
    return sorted(found)


def _is_ours(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_is_ours(item) for item in value.values())
    if isinstance(value, (staticmethod, classmethod)):
        return _is_ours(value.__func__)
    if isinstance(value, property):
        return _is_ours(value.fget)
    if isinstance(value, partial):
        return (value.func.__module__ or "").startswith("verl.")  # veRL itself makes none in these modules
    if isinstance(value, type):
        return value.__module__.startswith("verl_visual_rft")
    wrapper = getattr(value, "_self_wrapper", None)  # of wrapt
    code = getattr(value if wrapper is None else wrapper, "__code__", None)
    return code is not None and "verl_visual_rft" in code.co_filename.split(os.sep)


def _write() -> None:
    looked_at = sorted(set(MODULES) & set(sys.modules))
    file = Path(os.environ["UPSTREAM_SYMBOLS"]) / f"{os.getpid()}.json"
    file.write_text(json.dumps({"command": sys.argv, "looked_at": looked_at, "ours": ours()}))


def print_all() -> None:
    """Print what is ours in a process that imports all of `MODULES` and in which vLLM loads its plug-ins."""
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ValueError as error:  # veRL's rollouts do not know vLLM's build for the CPU by themselves
            assert "vllm version None not supported" in str(error)
    from vllm.plugins import load_general_plugins

    load_general_plugins()
    print(json.dumps(ours()))


if __name__ == "__main__":
    print_all()
elif "UPSTREAM_SYMBOLS" in os.environ:
    atexit.register(_write)
