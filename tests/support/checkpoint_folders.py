# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints with veRL's files, in veRL's order, and little in them."""

import io
import json
import sys
from pathlib import Path

import torch

#: Raised as an audit event where a file is half written.
HALF_WRITTEN = "checkpoint_folders.half_written"


def write_checkpoint(folder: Path, step: int, ranks: int = 1, part: str = "actor") -> Path:
    """Write ``folder/global_step_N`` as veRL's trainers do (``part``: GRPO's "actor", SFT's ""); return it."""
    checkpoint = folder / f"global_step_{step}"
    shards = checkpoint / part
    (shards / "huggingface").mkdir(parents=True)
    for rank in range(ranks):
        for kind in ("model", "optim", "extra_state"):
            save({"step": step}, shards / f"{kind}_world_size_{ranks}_rank_{rank}.pt")
    (shards / "huggingface" / "config.json").write_text("{}")
    (shards / "fsdp_config.json").write_text(json.dumps({"FSDP_version": 2, "world_size": ranks}))
    save({"step": step}, checkpoint / ("data.pt" if part else "data_0.pt"))
    (folder / "latest_checkpointed_iteration.txt").write_text(str(step))
    return checkpoint


def save(value: dict, path: Path) -> None:
    """`torch.save`, in two writes."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    content = buffer.getvalue()
    with open(path, "wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
        sys.audit(HALF_WRITTEN)
        file.write(content[len(content) // 2 :])
