# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Defects of veRL 0.9.1 that any run on pictures can meet: one function each, with its symptom."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from verl_visual_rft.vision_tokens import vision_tokens_of


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


def ban_all_vision_tokens(rollout_utils: ModuleType) -> None:
    """Keep every vision token out of rollouts and validation, not only the two that stand for a picture or a video.

    Symptom: the policy can sample ``<|vision_start|>``, ``<|vision_end|>`` and ``<|vision_pad|>``. veRL's own
    ``get_rope_index`` looks one token past each ``<|vision_start|>``, and what is trained differs from what
    `visual-rft predict` lets the same model say. verl 0.9.1 ``workers/rollout/utils.py:117``, asked by the vLLM server.
    """
    placeholders = rollout_utils.get_vision_placeholder_token_ids

    def get_vision_placeholder_token_ids(processor: Any) -> list[int]:
        tokenizer = getattr(processor, "tokenizer", None)
        others = vision_tokens_of(tokenizer).values() if tokenizer is not None else ()
        return sorted({*placeholders(processor), *others})

    setattr(rollout_utils, "get_vision_placeholder_token_ids", get_vision_placeholder_token_ids)  # noqa: B010


def embed_text_without_pictures(qwen2_vl: ModuleType) -> None:
    """Let Qwen2-VL and Qwen2.5-VL compute a micro-batch without any picture.

    Symptom: "'BaseModelOutputWithPooling' object has no attribute 'mean'". So that gradients flow to the vision tower
    on every rank, veRL adds 0 times the features of an empty picture to a text-only micro-batch, and since
    transformers 5 the tower returns an object. Rows that fill up for failed sessions are such micro-batches.
    verl 0.9.1 ``models/transformers/qwen2_vl.py:393``, transformers 5.10.
    """
    embed = qwen2_vl._get_input_embeds

    def _get_input_embeds(
        model: Any,
        input_ids: Any,
        attention_mask: Any = None,
        pixel_values: Any = None,
        pixel_values_videos: Any = None,
        *grids: Any,
        **named_grids: Any,
    ) -> tuple[Any, Any]:
        if pixel_values is not None or pixel_values_videos is not None:
            embedded: tuple[Any, Any] = embed(
                model, input_ids, attention_mask, pixel_values, pixel_values_videos, *grids, **named_grids
            )
            return embedded
        text = model.get_input_embeddings()(input_ids)
        vision = model.config.vision_config
        patch = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
        grid = input_ids.new_tensor([[1, 4, 4]])
        features, _ = qwen2_vl.unpack_visual_output(model.visual(text.new_zeros(16, patch), grid_thw=grid))
        return text + 0.0 * features.mean(), attention_mask

    setattr(qwen2_vl, "_get_input_embeds", _get_input_embeds)  # noqa: B010
