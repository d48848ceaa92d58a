# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which complete checkpoints a run has. Without torch: export and the checks before a run read this, too.

A run's folder of checkpoints (``trainer.default_local_dir``) holds ``global_step_N/``, whole; ``partial/``, which is
being written or removed; and veRL's ``latest_checkpointed_iteration.txt``, which plain veRL resumes by and which we
write but do not need.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object

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
