# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Defects of veRL 0.9.1 that any run on pictures can meet: one function each, with its symptom."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def rebuild_equal_length_mrope(tensordict_utils: ModuleType) -> None:
    """Give M-RoPE position ids their ragged axis back when all sequences of a batch have the same length.

    Symptom: the step dies in ``chunk_tensordict`` or ``unbind`` with "Expected cond to be True" or "The size of tensor
    a (4) must match ...". TransferQueue packs equally long ``(4, L)`` position ids as a tensor that is ragged over the
    four rope rows; veRL then declares the last axis ragged without moving the data.
    verl 0.9.1 ``utils/tensordict_utils.py:910``, TransferQueue 0.1.11.
    """
    stamp_ragged_axis = tensordict_utils.maybe_fix_3d_position_ids

    def maybe_fix_3d_position_ids(data: Any) -> None:
        position_ids = data["position_ids"] if "position_ids" in data.keys() else None
        if position_ids is not None and position_ids.dim() == 3 and position_ids.is_nested:
            data["position_ids"] = ragged_over_length(position_ids)
        stamp_ragged_axis(data)

    setattr(tensordict_utils, "maybe_fix_3d_position_ids", maybe_fix_3d_position_ids)  # noqa: B010


def ragged_over_length(position_ids: Any) -> Any:
    """Return jagged position ids with values of shape ``(rope, sum of lengths)``, whichever axis they were packed over.

    Packed over the rope axis means values ``(batch * rope, L)`` and offsets that end at ``batch * rope``; anything else
    is returned as it is.
    """
    import torch

    values, offsets = position_ids.values(), position_ids.offsets()
    if int(offsets[-1]) != values.shape[0]:
        return position_ids
    batch, length = offsets.numel() - 1, values.shape[1]
    rope = values.shape[0] // batch
    flat = values.view(batch, rope, length).transpose(0, 1).reshape(rope, batch * length)
    ends = torch.arange(0, batch * length + 1, length, device=offsets.device, dtype=offsets.dtype)
    return torch.nested.nested_tensor_from_jagged(flat, ends, jagged_dim=2)
