# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Export the last checkpoint of a training as a Hugging Face model, complete or not at all.

``python -m verl_visual_rft.training.export outputs/flowers102_2b/rft --model Qwen/Qwen2-VL-2B-Instruct``
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.training.adapter import is_adapter, merge_adapter

_LATEST = "latest_checkpointed_iteration.txt"


def main() -> int:
    """Parse the command line and export; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m verl_visual_rft.training.export", description=__doc__)
    parser.add_argument("run", type=Path, help="folder with checkpoints/; the model goes to its hf/")
    parser.add_argument("--model", required=True, help="the model that was trained: an adapter is merged into it")
    args = parser.parse_args()
    try:
        export(args.run, args.model)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def export(run: Path, model: str) -> Path:
    """Write the last complete checkpoint of ``run`` to ``run/hf`` and return that folder.

    Raises:
        UserError: There is no complete checkpoint, or it cannot be merged.
    """
    shards, staging, out = checkpoint_of(run), run / "hf.partial", run / "hf"
    shutil.rmtree(staging, ignore_errors=True)
    if is_adapter(shards):
        merge_adapter(shards, model, staging)
    else:
        _merge_shards(shards, staging)
    shutil.rmtree(out, ignore_errors=True)
    staging.rename(out)
    return out


def checkpoint_of(run: Path) -> Path:
    """Return the folder of the last complete checkpoint's shards: of GRPO the actor's, of SFT the step's own.

    Raises:
        UserError: Nothing was saved, or what was is gone.
    """
    latest = run / "checkpoints" / _LATEST
    if not latest.exists():
        raise UserError(f"{run}: no checkpoint ({latest} is missing); train first")
    step = run / "checkpoints" / f"global_step_{latest.read_text().strip()}"
    shards = step / "actor" if (step / "actor").is_dir() else step
    if not any(shards.glob("model_world_size_*.pt")):
        raise UserError(f"{shards}: no weights, though {latest.name} names this step; remove that file and train again")
    return shards


def _merge_shards(shards: Path, out: Path) -> None:
    merge = [sys.executable, "-m", "verl.model_merger", "merge", "--backend", "fsdp"]
    done = subprocess.run([*merge, "--local_dir", str(shards), "--target_dir", str(out)], stdout=sys.stderr)
    if done.returncode != 0:
        raise UserError(f"{shards}: veRL could not merge this checkpoint (exit status {done.returncode})")


if __name__ == "__main__":
    sys.exit(main())
