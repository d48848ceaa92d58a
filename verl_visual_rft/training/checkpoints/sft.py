# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of veRL's SFT trainer, which all its ranks write and read together."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import wrapt

from verl_visual_rft.terminal import say
from verl_visual_rft.training.checkpoints.folders import find_last, loading, refuse_later_ones
from verl_visual_rft.training.checkpoints.saving import writing


def make_durable(checkpoint_handler: ModuleType) -> None:
    """Have veRL's ``CheckpointHandler`` write whole checkpoints and find the last of them, in runs of this package."""
    wrapt.wrap_function_wrapper(checkpoint_handler, "CheckpointHandler.save_checkpoint", _save)
    wrapt.wrap_function_wrapper(checkpoint_handler, "CheckpointHandler.load_checkpoint", _load)
    wrapt.wrap_function_wrapper(checkpoint_handler, "CheckpointHandler._find_latest_checkpoint", _find)
    wrapt.wrap_function_wrapper(checkpoint_handler, "CheckpointHandler._load_dataloader_state", _load_data_position)


def _is_ours(handler: Any) -> bool:
    from verl_visual_rft.training.algorithms.engine import VisualRFTEngineConfig

    return isinstance(getattr(handler.engine, "engine_config", None), VisualRFTEngineConfig)


def _root(handler: Any) -> Path:
    return Path(handler.default_local_dir).absolute()


def _save(wrapped: Any, handler: Any, args: Any, kwargs: Any) -> None:
    if not _is_ours(handler):
        wrapped(*args, **kwargs)
        return
    from torch.distributed import barrier

    step = kwargs["step"] if "step" in kwargs else args[0]
    root, keep = _root(handler), handler.max_ckpt_to_keep
    before = handler.default_local_dir, keep
    with writing(root, step, keep, leads=handler.rank == 0, wait=barrier) as partial:
        handler.default_local_dir, handler.max_ckpt_to_keep = str(partial), None
        try:
            wrapped(*args, **kwargs)
        finally:
            handler.default_local_dir, handler.max_ckpt_to_keep = before


def _load(wrapped: Any, handler: Any, args: Any, kwargs: Any) -> int:
    if not _is_ours(handler):
        return int(wrapped(*args, **kwargs))
    with loading(_root(handler)):
        step = int(wrapped(*args, **kwargs))
    refuse_later_ones(_root(handler), step)
    _stop_if_trained(handler, step)
    return step


def _find(wrapped: Any, handler: Any, args: Any, kwargs: Any) -> str | None:
    if not _is_ours(handler):
        found: str | None = wrapped(*args, **kwargs)
        return found
    last = find_last(_root(handler), says=handler.rank == 0)
    return str(last.folder) if last else None


def _load_data_position(wrapped: Any, handler: Any, args: Any, kwargs: Any) -> None:
    """Begin the next epoch at its start when the checkpoint is the last of an epoch.

    Symptom: veRL's position there is the end of the epoch before, the first loop yields nothing, and a whole epoch is
    left out; the last one, and the run ends early without saving. verl 0.9.1 ``sft_trainer.py:fit`` counts the epoch by
    the step, torchdata 0.11 goes on from the position.
    """
    path = kwargs["checkpoint_path"] if "checkpoint_path" in kwargs else args[0]
    step = int(path.rpartition("global_step_")[2])
    if _is_ours(handler) and step % len(handler.train_dataloader) == 0:
        return
    wrapped(*args, **kwargs)


def _stop_if_trained(handler: Any, step: int) -> None:
    """End the process where nothing is left to train: veRL would take a step too many and save it."""
    total = handler.engine.optimizer_config.total_training_steps
    if 0 < total <= step:
        if handler.rank == 0:
            say(f"visual-rft: step {step} of {total} is saved: nothing is left to train")
        raise SystemExit(0)
