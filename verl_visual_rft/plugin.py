# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The one door: what veRL (entry point ``verl.plugins``) and vLLM (``vllm.general_plugins``) load.

veRL imports this module at the end of ``import verl`` in every process and calls nothing, so importing it registers.
Nothing heavy is loaded here: each piece waits until the veRL module that it extends is imported, and the pieces for the
CPU only act in a run that is on the CPU. veRL swallows a plug-in's exceptions; this one prints its error where it
happens and ends the process, because a run that trains without what it asked for is worse than none.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import wrapt

from verl_visual_rft.training.run_mark import RUN_MARK
from verl_visual_rft.training.shared_memory import name_by_run

#: What has been registered in this process, in order; `visual-rft doctor` reads it.
REGISTERED: list[str] = []


@dataclass(frozen=True)
class Extension:
    """A function of ours that runs once, right after a module of veRL is imported.

    Attributes:
        after: The veRL module that is waited for; it is passed to the function.
        function: ``module:function`` of this package, imported only then.
        wanted: Asked at that moment: does this run use it?
    """

    after: str
    function: str
    wanted: Callable[[], bool]


def on_cpu() -> bool:
    """Whether this run is on the CPU: asked for by ``VERL_PLATFORM=cpu``, or PyTorch was built for nothing else."""
    asked = os.environ.get("VERL_PLATFORM", "").strip().lower()
    if asked:
        return asked == "cpu"
    import torch

    return torch.version.cuda is None and torch.version.hip is None and not hasattr(torch, "npu")


def _always() -> bool:
    return True


_CPU = "verl_visual_rft.training.cpu"
_ALGORITHMS = "verl_visual_rft.training.algorithms"
_SPEED = "verl_visual_rft.training.speed"
_CHECKPOINTS = "verl_visual_rft.training.checkpoints"
_FIXES = "verl_visual_rft.training.fixes"
_MEMORY = "verl_visual_rft.training.shared_memory"
EXTENSIONS = (
    Extension("verl.plugin.platform.platform_manager", f"{_CPU}.platform:register_platform", on_cpu),
    Extension("verl.utils.distributed", f"{_CPU}.fixes:use_plain_gloo", on_cpu),
    Extension("verl.workers.engine.fsdp.transformer_impl", f"{_CPU}.fixes:do_not_pin_reference_weights", on_cpu),
    Extension("verl.workers.engine.fsdp.transformer_impl", f"{_CPU}.linear:compute_linear_layers_with_onednn", on_cpu),
    Extension("verl.workers.engine.fsdp.transformer_impl", f"{_ALGORITHMS}.engine:register_engine", _always),
    Extension("verl.trainer.ppo.core_algos", f"{_ALGORITHMS}.advantages:register_advantages", _always),
    Extension("verl.utils.torch_functional", f"{_SPEED}.log_probs:log_probs_in_blocks", _always),
    Extension("verl.utils.tensordict_utils", f"{_FIXES}:rebuild_equal_length_mrope", _always),
    Extension("verl.workers.rollout.utils", f"{_FIXES}:ban_all_vision_tokens", _always),
    Extension("verl.workers.rollout.vllm_rollout.vllm_rollout", f"{_FIXES}:send_weights_to_own_engine", _always),
    Extension(
        "verl.workers.rollout.vllm_rollout.vllm_async_server", f"{_FIXES}:receive_weights_of_own_trainer", _always
    ),
    Extension(
        "verl.workers.rollout.vllm_rollout.bucketed_weight_transfer",
        f"{_MEMORY}:send_weights_through_named_memory",
        _always,
    ),
    Extension("verl.models.transformers.qwen2_vl", f"{_FIXES}:embed_text_without_pictures", _always),
    Extension("verl.trainer.ppo.v1.trainer_base", "verl_visual_rft.training.trainer:register_trainer", _always),
    Extension("verl.utils.checkpoint.checkpoint_handler", f"{_CHECKPOINTS}.sft:make_durable", _always),
)


def register_with_verl() -> None:
    """Wait for the veRL modules of `EXTENSIONS`. Called by importing this module; a second call does nothing."""
    if REGISTERED:
        return
    if on_cpu():
        from verl_visual_rft.training.cpu.fixes import answer_for_vllm_cpu

        answer_for_vllm_cpu()
    run = os.environ.get(RUN_MARK)
    if run:
        name_by_run(Path(run))
    for extension in EXTENSIONS:
        wrapt.register_post_import_hook(_applying(extension), extension.after)
        REGISTERED.append(extension.function)


def register_with_vllm() -> None:
    """Called by vLLM in each of its processes: pictures come processed; on a CPU, weights that veRL can update."""
    from verl_visual_rft.training.pictures.vllm_inputs import take_processed_pictures

    take_processed_pictures()
    if on_cpu():
        from verl_visual_rft.training.cpu.fixes import keep_linear_weights_updatable, sleep_between_messages

        keep_linear_weights_updatable()
        sleep_between_messages()


def _applying(extension: Extension) -> Callable[[ModuleType], None]:
    def apply(module: ModuleType) -> None:
        if not extension.wanted():
            return
        try:
            module_name, _, function = extension.function.partition(":")
            getattr(importlib.import_module(module_name), function)(module)
        except Exception:
            _stop(extension.function)

    return apply


def _stop(what: str) -> None:
    """Print why registration failed and end this process (`SystemExit` passes veRL's ``except Exception``)."""
    logging.getLogger(__name__).error("verl_visual_rft could not register %s\n%s", what, traceback.format_exc())
    sys.stderr.flush()
    raise SystemExit(f"verl_visual_rft: registering {what} failed, see the error above; run `visual-rft doctor`")


try:
    register_with_verl()
except Exception:
    _stop("its extensions")
