# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Export the last checkpoint of a training, or its best, as a Hugging Face model, complete or not at all.

``python -m verl_visual_rft.training.export outputs/flowers102_2b/rft --model Qwen/Qwen2-VL-2B-Instruct``
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from verl_visual_rft.errors import UserError, system_errors_are_the_users
from verl_visual_rft.locks import alone
from verl_visual_rft.terminal import say
from verl_visual_rft.training.checkpoints.adapter import is_adapter, merge_adapter
from verl_visual_rft.training.checkpoints.best import best_checkpoint
from verl_visual_rft.training.checkpoints.folders import latest


def main() -> int:
    """Parse the command line and export; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m verl_visual_rft.training.export", description=__doc__)
    parser.add_argument("run", type=Path, help="folder with checkpoints/; the model goes to its hf/")
    parser.add_argument("--model", required=True, help="the model that was trained: an adapter is merged into it")
    parser.add_argument("--best", action="store_true", help="the checkpoint of visual_rft.keep_best, not the last")
    args = parser.parse_args()
    try:
        with system_errors_are_the_users():
            export(args.run, args.model, best=args.best)
    except UserError as error:
        say(f"error: {error}", error=True)
        return 2
    return 0


def export(run: Path, model: str, best: bool = False) -> Path:
    """Write the last complete checkpoint of ``run``, or its ``best``, to ``run/hf`` and return that folder.

    Raises:
        UserError: There is no such checkpoint, or it cannot be merged.
    """
    shards, staging, out = checkpoint_of(run, best), run / "hf.partial", run / "hf"
    with alone(out, run / ".hf.lock"):
        shutil.rmtree(staging, ignore_errors=True)
        if is_adapter(shards):
            merge_adapter(shards, model, staging)
        else:
            _merge_shards(shards, staging)
        shutil.rmtree(out, ignore_errors=True)
        staging.rename(out)
    return out


def checkpoint_of(run: Path, best: bool = False) -> Path:
    """Return the folder of a checkpoint's shards, the last complete one's or the ``best`` one's.

    Raises:
        UserError: There is none.
    """
    root = run / "checkpoints"
    checkpoint = best_checkpoint(root) if best else latest(root)
    if checkpoint is None:
        raise UserError(f"{run}: no complete checkpoint in {root}; train first")
    if not any(checkpoint.shards.glob("model_world_size_*.pt")):
        raise UserError(f"{checkpoint.shards}: no weights; train with `model` in checkpoint.save_contents")
    return checkpoint.shards


def _merge_shards(shards: Path, out: Path) -> None:
    merge = [sys.executable, "-m", "verl.model_merger", "merge", "--backend", "fsdp"]
    command = [*merge, "--local_dir", str(shards), "--target_dir", str(out)]
    # veRL loads whatever pickle names; torch itself can refuse all but weights.
    weights_only = os.environ | {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}
    done = subprocess.run(command, stdout=sys.stderr, env=weights_only)
    if done.returncode != 0:
        raise UserError(f"{shards}: veRL could not merge this checkpoint (exit status {done.returncode})")


if __name__ == "__main__":
    sys.exit(main())
