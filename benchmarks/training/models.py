# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Random Qwen2-VL models of several sizes that never emit a special token.

A random model samples ends of sequence, and image tokens, of which veRL dies. A channel of the residual stream that is
the same for every token lets the output layer forbid them, in the weights: every contestant then writes exactly
``max_new_tokens``, with its own sampling code untouched.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoTokenizer, Qwen2VLConfig, Qwen2VLForConditionalGeneration

from verl_visual_rft.miniature.tiny_model import build_tiny_model

_HEAD_DIM = 32  # the smallest that vLLM's attention for CPUs takes
_FORBIDDEN = -100.0  # times a normalised value of 1 or more


@dataclass(frozen=True)
class Shape:
    """Sizes of the language model and of the vision tower."""

    hidden: int
    layers: int
    kv_heads: int
    vision_hidden: int
    vision_layers: int


SHAPES = {
    "0.6M": Shape(hidden=96, layers=3, kv_heads=1, vision_hidden=64, vision_layers=2),
    "10M": Shape(hidden=320, layers=7, kv_heads=5, vision_hidden=192, vision_layers=3),
    "41M": Shape(hidden=512, layers=12, kv_heads=4, vision_hidden=256, vision_layers=4),
}


def build_model(out: Path, size: str, seed: int = 0) -> int:
    """Write the model of `size` (a key of `SHAPES`, fp32) to ``out`` unless it is there; return its parameters."""
    if not (out / "model.safetensors").exists():
        build_tiny_model(out, seed=seed)  # for the processor, the tokenizer and all that is not size
        config = _resized(json.loads((out / "config.json").read_text()), SHAPES[size])
        torch.manual_seed(seed)
        model = Qwen2VLForConditionalGeneration(config)
        _forbid(model, AutoTokenizer.from_pretrained(out))
        model.save_pretrained(out)
    return sum(parameter.numel() for parameter in Qwen2VLForConditionalGeneration.from_pretrained(out).parameters())


def _resized(config: dict[str, object], shape: Shape) -> Qwen2VLConfig:
    resized = Qwen2VLConfig.from_dict(config)
    text, vision = resized.text_config, resized.vision_config
    text.hidden_size, text.intermediate_size = shape.hidden, 3 * shape.hidden
    text.num_hidden_layers = shape.layers
    text.layer_types = ["full_attention"] * shape.layers
    text.num_attention_heads, text.num_key_value_heads = shape.hidden // _HEAD_DIM, shape.kv_heads
    text.tie_word_embeddings = resized.tie_word_embeddings = False
    vision.embed_dim, vision.num_heads = shape.vision_hidden, shape.vision_hidden // _HEAD_DIM
    vision.depth, vision.hidden_size = shape.vision_layers, shape.hidden
    return resized


@torch.no_grad()
def _forbid(model: Qwen2VLForConditionalGeneration, tokenizer: AutoTokenizer) -> None:
    """Hold channel 0 at 1 for text and picture tokens alike, and have forbidden tokens' logits read only it."""
    language, merger = model.model.language_model, model.model.visual.merger.mlp[-1]
    language.embed_tokens.weight[:, 0] = 1.0
    merger.weight[0], merger.bias[0] = 0.0, 1.0
    for layer in language.layers:
        layer.self_attn.o_proj.weight[0] = 0.0
        layer.mlp.down_proj.weight[0] = 0.0
    output = model.lm_head.weight
    forbidden = [*tokenizer.all_special_ids, *range(len(tokenizer), output.shape[0])]
    output[:, 0] = 0.0
    output[forbidden] = 0.0
    output[forbidden, 0] = _FORBIDDEN
