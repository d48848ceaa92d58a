# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From which checkpoint a run goes on, and when it must not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import say
from verl_visual_rft.training.checkpoints.folders import TRACKER, Checkpoint, latest


def find_last(root: Path, *, says: bool = True) -> Checkpoint | None:
    """Return the last complete checkpoint in ``root``; where veRL's tracker file names another, ``says`` so.

    veRL 0.9.1 follows the tracker alone (``checkpoint_manager.py:223``): an empty one is ``ValueError: invalid
    literal for int()``, one that names a missing folder starts from nothing.
    """
    last = latest(root)
    if not says:
        return last
    tracker = root / TRACKER
    named = tracker.read_text(encoding="utf-8", errors="replace").strip() if tracker.is_file() else ""
    if last and named != str(last.step):
        say(
            f"visual-rft: {tracker} says {named or 'nothing'!r}; going on from {last.folder}, the last complete "
            "checkpoint (another one: trainer.resume_mode=resume_path trainer.resume_from_path=...)"
        )
    return last


@contextmanager
def loading(place: Path) -> Iterator[None]:
    """Name the checkpoint, or the folder it was looked for in, in whatever is raised while veRL loads it.

    Raises:
        UserError: It could not be loaded.
    """
    try:
        yield
    except Exception as error:
        cause = getattr(error, "cause", error)  # Ray wraps what a worker raised
        reason = next(iter(str(cause).strip().splitlines()), "")
        raise UserError(
            f"{place}: the checkpoint cannot be loaded ({type(cause).__name__}: {reason}); start the run with the "
            "settings it was written with (ranks, data.dataloader_num_workers, model), or remove that global_step_N, "
            "and the same command goes on from the one before"
        ) from error


def refuse_later_ones(root: Path, step: int) -> None:
    """Refuse to train on from ``step`` in a folder that holds checkpoints of later steps.

    They would be taken for the last ones by rotation and by the next start.

    Raises:
        UserError: There are such; the message names the last.
    """
    last = latest(root)
    if last and last.step > step:
        raise UserError(
            f"{last.folder}: this run starts from step {step}, and its folder holds checkpoints of later steps; go on "
            "from the last one with trainer.resume_mode=auto, or remove them, or set trainer.default_local_dir "
            "(OUTPUT_DIR of a recipe) to another folder"
        )
