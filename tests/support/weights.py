# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of checkpoints and of exported models."""

from pathlib import Path

import torch
from torch.distributed.tensor import DTensor
from transformers import AutoModelForImageTextToText

from verl_visual_rft.miniature.pretraining import TINY_MODEL


def loaded(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a model as training loads it."""
    return AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).state_dict()


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Return the whole weights of a checkpoint of one rank, by the model's own names but for the adapter's."""
    (file,) = checkpoint.glob("model_world_size_1_rank_0.pt")
    state = torch.load(file, weights_only=False)
    return {
        name.removeprefix("base_model.model."): value.to_local() if isinstance(value, DTensor) else value
        for name, value in state.items()
    }


def changed(hf: Path) -> set[str]:
    """Return the names of the weights of an exported model that differ from the base model's."""
    base, exported = loaded(TINY_MODEL), loaded(hf)
    assert exported.keys() == base.keys()
    return {name for name, weight in exported.items() if not torch.equal(weight, base[name])}
