# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A Qwen2-VL of about a million parameters, built from its configuration.

Architecture, processor and chat template are Qwen2-VL's own; only the sizes and the vocabulary are small, so that every
part of the pipeline runs on a CPU.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
)
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

from verl_visual_rft.prompts import detection_prompt

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

#: Whole phrases are single tokens, so that the paper's prompt of 120 words costs a dozen; all other text is bytes.
_CATEGORY_MARK = "\0"
_PHRASES = (
    *detection_prompt(_CATEGORY_MARK).split(_CATEGORY_MARK),
    "system\nYou are a helpful assistant.",
    "user\n",
    "assistant\n",
    "<think>",
    "</think>",
    "</think> ",
    "<answer>",
    "</answer>",
    "<answer>[{'Position': [",
    "], 'Confidence': 0.",
    "], 'Confidence': 1.",
    "}, {'Position': [",
    "}]</answer>",
    "No Objects",
    ", ",
)


#: About 1/sqrt(hidden size); at Qwen2-VL's own 0.02 a model of this width needs several times the steps.
_INITIALIZER_RANGE = 0.08


def build_tiny_model(out: Path, words: tuple[str, ...] = (), seed: int = 0) -> None:
    """Write an untrained tiny Qwen2-VL (fp32) with tokenizer, processor and chat template to ``out``.

    Args:
        out: Folder in Hugging Face layout; created.
        words: Words of the prompts and answers that deserve a token of their own (category names, say).
        seed: Of the random weights.
    """
    tokenizer = _tokenizer(words)
    config = _config(tokenizer)
    torch.manual_seed(seed)
    model = Qwen2VLForConditionalGeneration(config)
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    pixels = {"min_pixels": 56 * 56, "max_pixels": 401408}
    Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pixels),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**pixels),
        chat_template=CHAT_TEMPLATE,
    ).save_pretrained(out)
    tokenizer.save_pretrained(out)
    _write_generation_config(out, tokenizer)


def _tokenizer(words: tuple[str, ...]) -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={char: i for i, char in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in SPECIAL_TOKENS])
    phrases = dict.fromkeys(itertools.chain(_PHRASES, words))
    core.add_tokens([AddedToken(text, normalized=False) for text in phrases])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL_TOKENS),
        model_max_length=32768,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _config(tokenizer: PreTrainedTokenizerFast) -> Qwen2VLConfig:
    token_id = tokenizer.convert_tokens_to_ids
    return Qwen2VLConfig(
        text_config={
            "vocab_size": 16 * ((len(tokenizer) + 15) // 16),
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]},
            "bos_token_id": token_id("<|endoftext|>"),
            "eos_token_id": token_id("<|im_end|>"),
            "pad_token_id": token_id("<|endoftext|>"),
            "tie_word_embeddings": True,
            "initializer_range": _INITIALIZER_RANGE,
        },
        vision_config={
            "depth": 3,
            "embed_dim": 96,
            "num_heads": 4,
            "hidden_size": 128,
            "mlp_ratio": 3,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "initializer_range": _INITIALIZER_RANGE,
        },
        vision_start_token_id=token_id("<|vision_start|>"),
        vision_end_token_id=token_id("<|vision_end|>"),
        vision_token_id=token_id("<|vision_pad|>"),
        image_token_id=token_id("<|image_pad|>"),
        video_token_id=token_id("<|video_pad|>"),
        tie_word_embeddings=True,
        architectures=["Qwen2VLForConditionalGeneration"],
    )


def _write_generation_config(out: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    config = {"eos_token_id": [tokenizer.eos_token_id], "pad_token_id": tokenizer.pad_token_id, "do_sample": False}
    (out / "generation_config.json").write_text(json.dumps(config, indent=2) + "\n")
