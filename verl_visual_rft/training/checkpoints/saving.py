# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Writing a checkpoint so that it is whole or not there, and removing old ones so that one is always left.

veRL 0.9.1 writes under the final name and leaves the deletion of old checkpoints to a list in memory: a kill leaves
partial folders, ``max_actor_ckpt_to_keep=1`` deletes the old one before the new one can be found, only ``actor/`` is
deleted, and nothing of an earlier process is (``checkpoint_manager.py:155-194``, ``trainer_base.py:948-1029``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from verl_visual_rft.atomic import write_text
from verl_visual_rft.errors import UserError
from verl_visual_rft.training.checkpoints.folders import (
    PARTIAL,
    TRACKER,
    complete_checkpoints,
    latest,
    name_of,
    raised_by,
)


def _alone() -> None:
    """There is no other process to wait for."""


@contextmanager
def writing(
    root: Path,
    step: int,
    keep: int | None,
    spare: Collection[int] = (),
    *,
    leads: bool = True,
    wait: Callable[[], None] = _alone,
) -> Iterator[Path]:
    """Give a folder in which to write ``global_step_N``; it appears in ``root`` when the block succeeds.

    At every moment ``root`` holds a complete checkpoint once it held one. Before the block there is room made for the
    new one: ``keep - 1`` old ones stay, at least one; after it ``keep`` stay, the new one included.

    Args:
        root: The run's folder of checkpoints, on storage that all ranks share.
        step: N.
        keep: How many checkpoints stay, those of earlier processes included, one at least; None: all.
        spare: Steps whose checkpoints stay in any case.
        leads: Whether this process does what one process must do.
        wait: Called where the processes that write together must wait for each other.

    Raises:
        UserError: It could not be written, for whatever reason; what was written of it is removed.
    """
    partial = root / PARTIAL
    try:
        if leads:
            discard_partial(root)
            partial.mkdir(parents=True)
            if keep is not None:
                prune(root, max(keep - 1, 1), spare)
        wait()
        yield partial
        wait()
        if leads:
            _publish(root, step)
            if keep is not None:
                prune(root, keep, spare)
            discard_partial(root)
        wait()
    except Exception as error:
        raise _failure(root, step, error) from error


def discard_partial(root: Path) -> None:
    """Remove what a killed process was writing or removing."""
    if (root / PARTIAL).exists():
        shutil.rmtree(root / PARTIAL)


def prune(root: Path, keep: int, spare: Collection[int] = ()) -> None:
    """Remove all complete checkpoints but the last ``keep`` (one at least) and those of the steps ``spare``.

    Folders that are no complete checkpoint are left alone: they may be somebody's.
    """
    for checkpoint in complete_checkpoints(root)[:-keep]:
        if checkpoint.step not in spare:
            _remove(checkpoint.folder)


def _publish(root: Path, step: int) -> None:
    written, final = root / PARTIAL / name_of(step), root / name_of(step)
    _flush(written)
    if final.exists():  # incomplete: nobody trains over a complete one (`refuse_later_ones`)
        _remove(final)
    written.rename(final)
    write_text(root / TRACKER, f"{step}\n")
    _sync(root)


def _remove(folder: Path) -> None:
    # Renamed first: a kill while the files go would leave a checkpoint that looks complete.
    rubbish = folder.parent / PARTIAL / f"removed_{folder.name}"
    rubbish.parent.mkdir(exist_ok=True)
    folder.rename(rubbish)
    shutil.rmtree(rubbish)


def _flush(folder: Path) -> None:
    """Bring the files to the disk before their folder gets its name: after a power cut the name would be all."""
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failure(root: Path, step: int, error: Exception) -> UserError:
    place = root if root.is_dir() else root.parent
    free = shutil.disk_usage(place).free if place.is_dir() else 0
    shutil.rmtree(root / PARTIAL, ignore_errors=True)
    last = latest(root)
    left = f"that of step {last.step} is complete" if last else "there is no other yet"
    cause, said = raised_by(error)
    reason = said or type(cause).__name__
    return UserError(
        f"{root}: the checkpoint of step {step} could not be written ({reason}; {free / 2**20:.0f} MiB were free), and "
        f"what there was of it is removed; {left}. Make room, and the same command goes on from there"
    )
