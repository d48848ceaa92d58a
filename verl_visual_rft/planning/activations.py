# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes that a forward pass keeps for the backward pass: the tensors that autograd saves, counted from the code.

Attention is flash attention's or SDPA's: no matrix of weights between positions is kept. Norms compute in fp32 whatever
the rest computes in, as they do under CUDA's autocast. docs/plan.md has the counts measured by autograd's own hooks.
"""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.planning.models import Decoder, Model, VisionTower

_FP32 = 4


@dataclass(frozen=True)
class Activations:
    """Bytes on a GPU for one micro-batch."""

    decoder: float  #: Kept of the language model until its backward pass.
    tower: float  #: Kept of the vision tower.
    recomputed: float  #: Of the one layer that is computed again, with gradient checkpointing; else 0.
    logits: float  #: Scores of the vocabulary, for every token.
    pixels: float  #: Pictures.

    @property
    def peak(self) -> float:
        """Most of it at a time: logits are gone before the last layer is computed again."""
        return self.decoder + self.tower + self.pixels + max(self.recomputed, self.logits)


def count_activations(
    model: Model, tokens: int, patches: int, number_bytes: int, checkpointing: bool, frozen_tower: bool = False
) -> Activations:
    """Count what a forward pass keeps for its backward pass.

    Args:
        model: Sizes.
        tokens: Of the micro-batch, pictures included.
        patches: Of its pictures.
        number_bytes: Of a number in the forward pass: 2 (bf16) or 4.
        checkpointing: Whether layers keep only their input and are computed again.
        frozen_tower: Whether the vision tower needs no backward pass.
    """
    decoder, tower = model.decoder, model.tower
    layer = tokens * decoder_layer_bytes(decoder, number_bytes)
    block = 0.0 if frozen_tower else patches * tower_block_bytes(tower, number_bytes)
    merging = 0.0 if frozen_tower else patches * _merger_bytes(tower, number_bytes)
    last_norm = tokens * _norm_and_input(decoder.width, number_bytes)
    if checkpointing:
        kept_layer = float(tokens * decoder.width * number_bytes)
        kept_block = 0.0 if frozen_tower else float(patches * tower.width * number_bytes)
    else:
        kept_layer, kept_block = layer, block
    return Activations(
        decoder=decoder.layers * kept_layer + last_norm,
        tower=tower.layers * kept_block + merging,
        recomputed=max(layer, block) if checkpointing else 0.0,
        logits=float(tokens * decoder.vocabulary * number_bytes),
        pixels=float(patches * 3 * tower.frames * tower.patch**2 * (_FP32 + number_bytes)),
    )


def decoder_layer_bytes(decoder: Decoder, number_bytes: int) -> float:
    """Bytes a token that a decoder layer keeps: norms, attention, gated feed-forward layer.

    With h the width, q and k the widths of queries and keys, i the inner width and b the bytes of a number:
    ``2 (4 h + 4 + 2 b h) + b (2 q + 2 k) + 4 heads + 4 b i``, and the rotary embedding of each layer (Qwen2) or the
    norms of queries and keys (Qwen3).

    Source: transformers 5.10, models/qwen2_vl/modeling_qwen2_vl.py (Qwen2VLDecoderLayer, Qwen2VLRMSNorm,
    apply_multimodal_rotary_pos_emb), models/qwen3_vl/modeling_qwen3_vl.py.
    """
    queries, keys = decoder.heads * decoder.head_width, decoder.kv_heads * decoder.head_width
    norms = 2 * _norm_and_input(decoder.width, number_bytes)
    attention = number_bytes * (2 * queries + 2 * keys) + _FP32 * decoder.heads
    if decoder.normed_heads:
        rotary_or_norms = (queries + keys) * (_FP32 + number_bytes) + _FP32 * (decoder.heads + decoder.kv_heads)
    else:
        rotary_or_norms = 2 * number_bytes * decoder.head_width
    return float(norms + attention + rotary_or_norms + 4 * number_bytes * decoder.inner)


def tower_block_bytes(tower: VisionTower, number_bytes: int) -> float:
    """Bytes a patch that a block of the vision tower keeps.

    With e the width and i the inner width: norms ``2 (4 e + 8 + b e)``, rotated queries and keys, the joint
    projection that values are a view of, output and log-sum-exp ``6 b e + 4 heads``, rotary embedding in fp32, and
    4 b i (gated), or 3 b i.

    Source: transformers 5.10, models/qwen2_vl/modeling_qwen2_vl.py (Qwen2VLVisionBlock, VisionAttention, VisionMlp).
    """
    norms = 2 * (_FP32 * tower.width + 2 * _FP32 + number_bytes * tower.width)
    attention = 6 * number_bytes * tower.width + _FP32 * tower.heads + 2 * _FP32 * (tower.width // tower.heads)
    feed_forward = (4 if tower.gated else 3) * number_bytes * tower.inner
    return float(norms + attention + feed_forward)


def _merger_bytes(tower: VisionTower, number_bytes: int) -> float:
    """Bytes a patch: the norm's input and output, and the feed-forward layer before and after its activation."""
    return float(tower.mergers * tower.width * (_FP32 + 3 * number_bytes))


def _norm_and_input(width: int, number_bytes: int) -> float:
    """Bytes a token of an RMSNorm (its input in fp32, what it normed) and of the linear layer behind it (its input)."""
    return float(_FP32 * width + _FP32 + 2 * number_bytes * width)
