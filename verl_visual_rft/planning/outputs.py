# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a training leaves for the stages after it: refused before the first one where they would find nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError


def check_outputs(command: Sequence[str], config: Mapping[str, Any]) -> None:
    """Refuse a training of the launcher whose checkpoints or metrics export and report would not find.

    Args:
        command: The command line; one without the launcher is its user's own affair.
        config: What its trainer will see.

    Raises:
        UserError: The message names the setting and the remedy.
    """
    if "--run" not in command:
        return
    trainer, grpo = config["trainer"], "actor_rollout_ref" in config
    folder = Path(command[command.index("--run") + 1], "checkpoints").absolute()
    if Path(trainer["default_local_dir"]).absolute() != folder:
        raise UserError(f"trainer.default_local_dir: the export looks in {folder}; leave it out, or set OUTPUT_DIR")
    save = trainer["save_freq"]
    if save == 0 or (grpo and (not isinstance(save, int) or save < 0)):
        raise UserError(f"trainer.save_freq={save} leaves no checkpoint to export; set it to 1 or more")
    if trainer.get("val_only"):
        raise UserError("trainer.val_only=true leaves no checkpoint to export; leave it out")
    policy, name = (config["actor_rollout_ref"]["actor"], "actor_rollout_ref.actor.") if grpo else (config, "")
    if "model" not in (policy["checkpoint"]["save_contents"] or ()):
        raise UserError(f"{name}checkpoint.save_contents: the export needs `model`; add it")
    keep = "max_actor_ckpt_to_keep" if grpo else "max_ckpt_to_keep"
    if trainer[keep] is not None and not (isinstance(trainer[keep], int) and trainer[keep] >= 1):
        raise UserError(f"trainer.{keep}={trainer[keep]}: a run keeps one at least; null keeps all")
    loggers = [trainer["logger"]] if isinstance(trainer["logger"], str) else trainer["logger"] or []
    if "file" not in loggers:
        raise UserError(
            f"trainer.logger={trainer['logger']}: progress and report read the logger `file`; add it: "
            "trainer.logger=[console,file]"
        )
