# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The checkpoint that validated best, kept beside the last ones: ``visual_rft.keep_best=<metric>``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.atomic import write_json
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object
from verl_visual_rft.training.checkpoints.folders import Checkpoint, complete_checkpoints

_FILE = "best.json"


@dataclass(frozen=True)
class Best:
    """The best validation of a run so far, among the steps that have a checkpoint.

    Attributes:
        metric: Name of the validation metric; more is better.
        value: Its value.
        step: The training step it was measured after.
    """

    metric: str
    value: float
    step: int


def read_best(root: Path) -> Best | None:
    """Return what is known of the best checkpoint in ``root``; None where none was chosen."""
    if not (root / _FILE).is_file():
        return None
    content = read_json_object(root / _FILE, "remove it, and the best checkpoint is forgotten")
    try:
        return Best(**content)
    except TypeError as error:
        raise UserError(f"{root / _FILE} says something else than a best checkpoint ({error}); remove it") from error


def best_checkpoint(root: Path) -> Checkpoint:
    """Return the checkpoint that validated best.

    Raises:
        UserError: The run kept none, or it is gone.
    """
    best = read_best(root)
    if best is None:
        raise UserError(f"{root}: no best checkpoint was kept; train with visual_rft.keep_best=<validation metric>")
    for checkpoint in complete_checkpoints(root):
        if checkpoint.step == best.step:
            return checkpoint
    raise UserError(f"{root}: the best checkpoint, of step {best.step}, is gone; export the last one instead")


def note_validation(root: Path, metric: str, step: int, metrics: Mapping[str, float]) -> None:
    """Remember the checkpoint of ``step`` as the best if its validation beats all before; without one, do nothing.

    A tie leaves the earlier one. Another metric than before begins anew.

    Raises:
        UserError: Validation did not measure ``metric``.
    """
    if metric not in metrics:
        raise UserError(
            f"visual_rft.keep_best={metric}: validation measures no such thing; use one of {', '.join(sorted(metrics))}"
        )
    value, best = float(metrics[metric]), read_best(root)
    steps = {checkpoint.step for checkpoint in complete_checkpoints(root)}
    if step not in steps or not math.isfinite(value):
        return
    if best is None or best.metric != metric or best.step not in steps or value > best.value:
        write_json(root / _FILE, asdict(Best(metric, value, step)))


def check_keep_best(config: Mapping[str, Any]) -> None:
    """Refuse ``visual_rft.keep_best`` where checkpoints are written that are never validated.

    Raises:
        UserError: ``trainer.save_freq`` is no multiple of ``trainer.test_freq``.
    """
    metric, trainer = config["visual_rft"].get("keep_best"), config["trainer"]
    save, test = trainer["save_freq"], trainer["test_freq"]
    if metric and (save <= 0 or test <= 0 or save % test):
        raise UserError(
            f"visual_rft.keep_best={metric} chooses among checkpoints that are validated, and trainer.save_freq={save} "
            f"is no multiple of trainer.test_freq={test}; set both to the same number"
        )
