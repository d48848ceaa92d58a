# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Sizes of the published models, so that planning them needs no network.

What the ``config.json`` of each checkpoint on the Hugging Face hub says, without what planning does not read. A test
builds each model on torch's meta device from these numbers: the counts are those on the models' pages (2.21, 8.29,
3.75, 8.29, 2.13, 4.44 and 8.77 billion parameters).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _decoder(
    width: int, inner: int, layers: int, heads: int, kv_heads: int, vocabulary: int, longest: int, tied: bool
) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": vocabulary,
        "max_position_embeddings": longest,
        "tie_word_embeddings": tied,
    }


def _qwen2_vl(decoder: dict[str, Any]) -> dict[str, Any]:
    tower = {"depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "num_heads": 16, "patch_size": 14}
    return {"model_type": "qwen2_vl", **decoder, "vision_config": {**tower, "hidden_size": decoder["hidden_size"]}}


def _qwen2_5_vl(decoder: dict[str, Any]) -> dict[str, Any]:
    tower = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "patch_size": 14}
    return {
        "model_type": "qwen2_5_vl",
        **decoder,
        "vision_config": {**tower, "out_hidden_size": decoder["hidden_size"]},
    }


def _qwen3_vl(decoder: dict[str, Any], depth: int, width: int, inner: int, deepstack: list[int]) -> dict[str, Any]:
    tower = {
        "depth": depth,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_heads": 16,
        "patch_size": 16,
        "num_position_embeddings": 2304,
        "deepstack_visual_indexes": deepstack,
        "out_hidden_size": decoder["hidden_size"],
    }
    return {
        "model_type": "qwen3_vl",
        "text_config": {**decoder, "head_dim": 128},
        "tie_word_embeddings": decoder["tie_word_embeddings"],
        "vision_config": tower,
    }


#: Name on the hub -> configuration.
PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    "Qwen/Qwen2-VL-2B-Instruct": _qwen2_vl(_decoder(1536, 8960, 28, 12, 2, 151936, 32768, True)),
    "Qwen/Qwen2-VL-7B-Instruct": _qwen2_vl(_decoder(3584, 18944, 28, 28, 4, 152064, 32768, False)),
    "Qwen/Qwen2.5-VL-3B-Instruct": _qwen2_5_vl(_decoder(2048, 11008, 36, 16, 2, 151936, 128000, True)),
    "Qwen/Qwen2.5-VL-7B-Instruct": _qwen2_5_vl(_decoder(3584, 18944, 28, 28, 4, 152064, 128000, False)),
    "Qwen/Qwen3-VL-2B-Instruct": _qwen3_vl(
        _decoder(2048, 6144, 28, 16, 8, 151936, 262144, True), 24, 1024, 4096, [5, 11, 17]
    ),
    "Qwen/Qwen3-VL-4B-Instruct": _qwen3_vl(
        _decoder(2560, 9728, 36, 32, 8, 151936, 262144, True), 24, 1024, 4096, [5, 11, 17]
    ),
    "Qwen/Qwen3-VL-8B-Instruct": _qwen3_vl(
        _decoder(4096, 12288, 36, 32, 8, 151936, 262144, False), 27, 1152, 4304, [8, 16, 24]
    ),
}
