# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The tokens of Qwen-VL that stand for pixels. They mean nothing in an answer."""

from __future__ import annotations

from typing import Any

#: Never to be sampled. The last two crash a training run: they ask for a picture that is not there.
VISION_TOKENS = ("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>")


def vision_tokens_of(tokenizer: Any) -> dict[str, int]:
    """Return those of `VISION_TOKENS` that a tokenizer of transformers has, with their ids."""
    vocabulary = tokenizer.get_vocab()
    return {token: vocabulary[token] for token in VISION_TOKENS if token in vocabulary}
