# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A LoRA adapter, as a checkpoint of veRL's FSDP engine holds it, merged into the model that it was trained on.

veRL's own merger writes the model without its adapter, or, of a checkpoint that is the adapter alone, an empty one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor, Replicate, Shard
from transformers import AutoModelForImageTextToText, AutoProcessor

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object

_META = "lora_train_meta.json"
_PREFIX, _DOWN, _UP = "base_model.model.", ".lora_A.default.weight", ".lora_B.default.weight"


def is_adapter(shards: Path) -> bool:
    """Whether a checkpoint is one of LoRA."""
    return (shards / _META).exists()


def merge_adapter(shards: Path, model: str, out: Path) -> None:
    """Write ``model`` with the adapter's part added: W + alpha / rank * B A, computed in float32.

    Args:
        shards: Folder of the checkpoint's ``model_world_size_*.pt``.
        model: Folder or name of the model that was trained.
        out: Folder to write, in Hugging Face layout.

    Raises:
        UserError: The checkpoint holds no adapter, or one of another model.
    """
    meta = read_json_object(shards / _META, "export another checkpoint")
    weights = _gather(shards)
    names = [key[len(_PREFIX) : -len(_DOWN)] for key in weights if key.endswith(_DOWN)]
    if not names or not meta.get("r") or not meta.get("lora_alpha"):
        raise UserError(f"{shards}: {_META} speaks of an adapter of rank {meta.get('r')}, but there is none to merge")
    base = AutoModelForImageTextToText.from_pretrained(model, dtype="auto")
    parameters = dict(base.named_parameters())
    with torch.no_grad():
        for name in names:
            part = weights[f"{_PREFIX}{name}{_UP}"].float() @ weights[f"{_PREFIX}{name}{_DOWN}"].float()
            weight = parameters.get(f"{name}.weight")
            if weight is None or weight.shape != part.shape:
                raise UserError(
                    f"{shards}: the adapter has a part for {name}, which {model} does not have in this shape"
                )
            weight.copy_(weight.float() + meta["lora_alpha"] / meta["r"] * part)
    base.save_pretrained(out)
    AutoProcessor.from_pretrained(model).save_pretrained(out)


def _gather(shards: Path) -> dict[str, torch.Tensor]:
    """The whole weights from the ranks' parts of them.

    Raises:
        UserError: A file is damaged, or holds more than weights: to load that would run whatever it names.
    """
    files = sorted(shards.glob("model_world_size_*_rank_*.pt"), key=lambda path: int(path.stem.rpartition("_")[2]))
    ranks = [_load_weights(file) for file in files]
    return {key: _join([rank[key] for rank in ranks]) for key in ranks[0]}


def _load_weights(file: Path) -> dict[str, Any]:
    try:
        weights: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types on damaged files; each becomes the same refusal
        why = str(error)[:200].partition("\n")[0]
        raise UserError(
            f"{file} is damaged, or holds more than weights and would run code: {why}; export a checkpoint of your own"
        ) from error
    return weights


def _join(parts: Sequence[Any]) -> torch.Tensor:
    """The whole weight of what each rank has of it."""
    whole = parts[0]
    return _assemble(parts, whole.device_mesh.mesh, whole.placements) if isinstance(whole, DTensor) else whole


def _assemble(parts: Sequence[Any], ranks: torch.Tensor, placements: Sequence[Any]) -> torch.Tensor:
    """Join along the axes of the mesh, the outermost first: one, or with HSDP copies of shards.

    Args:
        parts: Of all ranks.
        ranks: The mesh, or a part of it.
        placements: Of its axes.
    """
    if not placements:
        local: torch.Tensor = parts[int(ranks)].to_local()
        return local
    placement, *inner = placements
    if isinstance(placement, Replicate):
        return _assemble(parts, ranks[0], inner)
    assert isinstance(placement, Shard)
    return torch.cat([_assemble(parts, shard, inner) for shard in ranks], dim=placement.dim)
