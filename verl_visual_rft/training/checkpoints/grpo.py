# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of veRL's GRPO trainer: its own writing and reading, into and out of the folders of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.training.checkpoints.best import note_validation, read_best
from verl_visual_rft.training.checkpoints.conditions import note_changes, write_conditions
from verl_visual_rft.training.checkpoints.folders import find_last, loading, name_of, refuse_later_ones
from verl_visual_rft.training.checkpoints.saving import discard_partial, prune, writing


def save(trainer: Any, verl_save: Callable[[], None]) -> None:
    """Write the checkpoint of ``trainer.global_steps`` by veRL's own ``_save_checkpoint``, whole or not at all.

    ``trainer.max_actor_ckpt_to_keep`` counts whole checkpoints, at least one; the best one
    (``visual_rft.keep_best``) stays besides.
    """
    settings, step, callback = trainer.config.trainer, trainer.global_steps, trainer.checkpoint_callback
    root = _root(trainer)
    with writing(root, step, _keep(trainer), _spare(trainer)) as partial:
        trainer.checkpoint_callback = SimpleNamespace(on_save=lambda **_: None)  # the user's waits for the final name
        try:
            with _changed(
                settings, default_local_dir=str(partial), max_actor_ckpt_to_keep=None, max_critic_ckpt_to_keep=None
            ):
                verl_save()
        finally:
            trainer.checkpoint_callback = callback
        write_conditions(partial / name_of(step), trainer.config, len(trainer.train_dataloader.dataset))
    callback.on_save(trainer=trainer, global_step=step, checkpoint_dir=str(root / name_of(step)), async_save=False)


def load(trainer: Any, verl_load: Callable[[], None]) -> None:
    """Resume by veRL's own ``_load_checkpoint``; ``trainer.resume_mode=auto`` from the last complete checkpoint.

    Raises:
        UserError: The checkpoint cannot be loaded, or the folder holds later ones than training starts from.
    """
    settings, root = trainer.config.trainer, _root(trainer)
    discard_partial(root)
    start = {"resume_mode": settings.resume_mode, "resume_from_path": settings.resume_from_path}
    if settings.resume_mode == "auto":
        last = find_last(root)
        start = {"resume_mode": "resume_path" if last else "disable", "resume_from_path": last and str(last.folder)}
    with _changed(settings, **start), loading(Path(start.get("resume_from_path") or root)):
        verl_load()
    refuse_later_ones(root, trainer.global_steps)
    if trainer.global_steps > 0:
        note_changes(Path(start["resume_from_path"]), trainer.config, len(trainer.train_dataloader.dataset))


def validated(trainer: Any, metrics: Mapping[str, float]) -> None:
    """Look whether the checkpoint of the step that was just validated is the best one.

    veRL validates after it saves, and validates a resumed step again (``trainer.val_before_train``), so a kill between
    the two costs no comparison.
    """
    metric = trainer.config.visual_rft.keep_best
    if metric:
        note_validation(_root(trainer), metric, trainer.global_steps, metrics)
        if (keep := _keep(trainer)) is not None:
            prune(_root(trainer), keep, _spare(trainer))


def _root(trainer: Any) -> Path:
    return Path(trainer.config.trainer.default_local_dir).absolute()  # the actors' working folders may differ


def _keep(trainer: Any) -> int | None:
    settings = trainer.config.trainer
    if settings.get("remove_previous_ckpt_in_save"):  # veRL's old name for 1
        return 1
    keep = settings.max_actor_ckpt_to_keep
    if keep is not None and keep < 1:
        raise UserError(f"trainer.max_actor_ckpt_to_keep={keep}: a run keeps one at least; null keeps all")
    return None if keep is None else int(keep)


def _spare(trainer: Any) -> set[int]:
    best = read_best(_root(trainer)) if trainer.config.visual_rft.keep_best else None
    return {best.step} if best else set()


@contextmanager
def _changed(settings: Any, **values: Any) -> Iterator[None]:
    """Give veRL other settings for a while: its methods take them from nowhere else."""
    before = {name: settings[name] for name in values}
    for name, value in values.items():
        settings[name] = value
    try:
        yield
    finally:
        for name, value in before.items():
            settings[name] = value
