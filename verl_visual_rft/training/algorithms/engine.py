# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's FSDP engine with the linear schedule and a vision tower that can be frozen, on CUDA and on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from verl.workers.config import FSDPEngineConfig

from verl_visual_rft.errors import UserError
from verl_visual_rft.training.algorithms.optimizer import LINEAR, linear_factor
from verl_visual_rft.training.engine.one_update import OneUpdate
from verl_visual_rft.training.engine.vision_tower import PicturesOnce
from verl_visual_rft.training.guards.non_finite import GuardedUpdates


@dataclass
class VisualRFTEngineConfig(FSDPEngineConfig):
    """veRL's settings and ours. Selected by ``actor.fsdp_config._target_``, for SFT by ``engine._target_``.

    Args:
        freeze_vision: Whether the vision tower is left as it is.
    """

    freeze_vision: bool = False


def register_engine(transformer_impl: ModuleType) -> None:
    """Register the engine for the makers of CUDA devices, where it goes before veRL's own, and for the CPU.

    veRL 0.9.1 has an engine for "cuda" of any maker and asks for one of this maker first (``engine/base.py:399``); for
    "cpu" it has none ("Unknown device: cpu").
    """
    engine = _engine_class(transformer_impl)
    register = transformer_impl.EngineRegistry.register
    register(model_type="language_model", backend=["fsdp", "fsdp2"], device="cuda", vendor=["nvidia", "amd"])(engine)
    register(model_type="language_model", backend=["fsdp", "fsdp2"], device="cpu")(engine)


def freeze_vision_tower(model: Any) -> int:
    """Take the vision tower, the merger into the language model included, out of training.

    Args:
        model: A Qwen-VL model of transformers, not wrapped yet, with or without LoRA adapters.

    Returns:
        Number of parameters that are frozen.

    Raises:
        UserError: The model has no part named ``visual``.
    """
    towers = [part for name, part in model.named_modules() if name.rpartition(".")[2] == "visual"]
    if not towers:
        raise UserError(f"freeze_vision=true: {type(model).__name__} has no vision tower; give a Qwen-VL model")
    for tower in towers:
        tower.requires_grad_(False)
    return sum(parameter.numel() for tower in towers for parameter in tower.parameters())


def _engine_class(transformer_impl: ModuleType) -> type:
    from torch.optim.lr_scheduler import LambdaLR

    verl_engine = transformer_impl.FSDPEngineWithLMHead

    class VisualRFTEngine(GuardedUpdates, OneUpdate, PicturesOnce, verl_engine):  # type: ignore[misc, valid-type]
        """veRL's engine, guarded; the rest is asked for in `VisualRFTEngineConfig` and `VisualRFTOptimizerConfig`."""

        def _build_fsdp_module(self, module: Any) -> Any:
            # Before wrapping, after LoRA: adapters of the tower are frozen with it.
            if getattr(self.engine_config, "freeze_vision", False):
                n_frozen = freeze_vision_tower(module)
                if self.rank == 0:
                    print(f"vision tower frozen: {n_frozen} parameters")
            return super()._build_fsdp_module(module)

        def _build_lr_scheduler(self, optimizer: Any) -> Any:
            config = self.optimizer_config
            if config.lr_scheduler_type != LINEAR:
                return super()._build_lr_scheduler(optimizer)
            total_steps, warmup_steps = config.total_training_steps, config.lr_warmup_steps
            if warmup_steps <= 0:  # as in veRL's schedules
                warmup_steps = int(config.lr_warmup_steps_ratio * total_steps)
            factor = partial(
                linear_factor,
                total_steps=total_steps,
                warmup_steps=warmup_steps,
                min_ratio=config.min_lr_ratio or 0.0,
            )
            return LambdaLR(optimizer, factor)

    return VisualRFTEngine
