# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which complete checkpoints a run has, and from which it goes on. Without torch: export and checks read this, too.

A run's folder of checkpoints (``trainer.default_local_dir``) holds ``global_step_N/``, whole; ``partial/``, which is
being written or removed; and veRL's ``latest_checkpointed_iteration.txt``, which plain veRL resumes by and which we
write but do not need.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object
from verl_visual_rft.terminal import say

#: Folder of what is not, or no longer, a checkpoint.
PARTIAL = "partial"
#: veRL's file with the step of the last checkpoint (``utils/checkpoint/checkpoint_manager.py:256``).
TRACKER = "latest_checkpointed_iteration.txt"

_NAME = re.compile(r"global_step_(\d+)")
_SHARDS = ("model", "optim", "extra_state")  # of each, a file a rank or none: veRL's checkpoint.save_contents


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint.

    Attributes:
        step: Training step after which it was written.
        folder: ``global_step_N``.
    """

    step: int
    folder: Path

    @property
    def shards(self) -> Path:
        """Where the weights lie: of GRPO the actor's folder, of SFT the checkpoint's own."""
        return _shards_of(self.folder)


def name_of(step: int) -> str:
    """Return the name of a step's checkpoint: ``global_step_7``."""
    return f"global_step_{step}"


def complete_checkpoints(root: Path) -> list[Checkpoint]:
    """Return the complete checkpoints in ``root``, oldest step first; what is incomplete is passed over.

    Also true of folders that plain veRL wrote, which writes under the final name in this order: every rank's shards,
    ``fsdp_config.json``, the data loader's state (verl 0.9.1 ``trainer_base.py:948``, ``checkpoint_handler.py:77``).
    """
    if not root.is_dir():
        return []
    named = [(_NAME.fullmatch(path.name), path) for path in root.iterdir()]
    found = [Checkpoint(int(match[1]), path) for match, path in named if match and _is_complete(path)]
    return sorted(found, key=lambda checkpoint: checkpoint.step)


def latest(root: Path) -> Checkpoint | None:
    """Return the complete checkpoint of the highest step in ``root``, whatever veRL's tracker file says."""
    return max(complete_checkpoints(root), key=lambda checkpoint: checkpoint.step, default=None)


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
        cause, reason = raised_by(error)
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


def raised_by(error: Exception) -> tuple[BaseException, str]:
    """Return what a worker raised, which Ray wraps, and the first line of what it says."""
    cause: BaseException = getattr(error, "cause", error)
    return cause, next(iter(str(cause).strip().splitlines()), "")


def _shards_of(folder: Path) -> Path:
    return folder / "actor" if (folder / "actor").is_dir() else folder


def _is_complete(folder: Path) -> bool:
    shards = _shards_of(folder)
    loader = folder / ("data.pt" if shards != folder else "data_0.pt")
    try:
        ranks = int(read_json_object(shards / "fsdp_config.json", "")["world_size"])
    except (UserError, ValueError, KeyError, TypeError):
        return False
    return _is_whole(loader) and all(_has_all_or_none(shards, kind, ranks) for kind in _SHARDS)


def _has_all_or_none(shards: Path, kind: str, ranks: int) -> bool:
    files = [shards / f"{kind}_world_size_{ranks}_rank_{rank}.pt" for rank in range(ranks)]
    return all(map(_is_whole, files)) or not any(file.exists() for file in files)


def _is_whole(file: Path) -> bool:
    # torch.save writes a zip archive, whose directory is at its end: a cut file has none.
    return zipfile.is_zipfile(file)
