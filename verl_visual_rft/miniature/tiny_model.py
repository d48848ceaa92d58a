# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Qwen-VL models of about a million parameters, built from their configurations.

    python -m verl_visual_rft.miniature.tiny_model --family qwen2.5-vl --out DIR

Architecture, processor and chat template are the family's own; only the sizes and the vocabulary are small, so that
every part of the pipeline runs on a CPU. Text that is no phrase of the vocabulary is bytes: any prompt works, at the
price of a token a byte.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2VLImageProcessor

from verl_visual_rft.coordinates import FAMILIES
from verl_visual_rft.tasks.detection.prompt import detection_prompt

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

#: Qwen2-VL and Qwen2.5-VL begin with this; Qwen3-VL does not.
_DEFAULT_SYSTEM = (
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}"
)
_CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "DEFAULT_SYSTEM"
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
#: The paper's pixel budget. vLLM tries the largest picture at its start, which at the checkpoints' own limit is too
#: much for a CPU.
_MAX_PIXELS = 401408


@dataclass(frozen=True)
class _Architecture:
    """What the classes of a family are called, and the sizes that only its configuration has."""

    prefix: str
    video_processor: str
    text: Mapping[str, Any]
    vision: Mapping[str, Any]
    pictures: Mapping[str, Any] = field(default_factory=dict)
    default_system: bool = True


_ARCHITECTURES: Mapping[str, _Architecture] = {
    "qwen2-vl": _Architecture(
        prefix="Qwen2VL",
        video_processor="Qwen2VLVideoProcessor",
        text={"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]}},
        vision={"embed_dim": 96, "hidden_size": 128, "mlp_ratio": 3, "patch_size": 14},
    ),
    "qwen2.5-vl": _Architecture(
        prefix="Qwen2_5_VL",
        video_processor="Qwen2VLVideoProcessor",
        text={"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]}},
        vision={
            "hidden_size": 96,
            "out_hidden_size": 128,
            "intermediate_size": 288,
            "window_size": 112,
            "fullatt_block_indexes": [2],
            "patch_size": 14,
        },
    ),
    "qwen3-vl": _Architecture(
        prefix="Qwen3VL",
        video_processor="Qwen3VLVideoProcessor",
        text={
            "head_dim": 32,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [6, 5, 5],
                "mrope_interleaved": True,
            },
        },
        vision={
            "hidden_size": 96,
            "out_hidden_size": 128,
            "intermediate_size": 288,
            "num_position_embeddings": 256,
            "deepstack_visual_indexes": [0, 1],
            "patch_size": 16,
        },
        pictures={"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]},
        default_system=False,
    ),
}


def build_tiny_model(out: Path, words: tuple[str, ...] = (), seed: int = 0, family: str = "qwen2-vl") -> None:
    """Write an untrained tiny model (fp32) with tokenizer, processor and chat template to ``out``.

    Args:
        out: Folder in Hugging Face layout; created.
        words: Words of the prompts and answers that deserve a token of their own (category names, say).
        seed: Of the random weights.
        family: A key of `verl_visual_rft.coordinates.FAMILIES`.
    """
    architecture = _ARCHITECTURES[family]
    template = _CHAT_TEMPLATE.replace("DEFAULT_SYSTEM", _DEFAULT_SYSTEM if architecture.default_system else "")
    prompt = detection_prompt(_CATEGORY_MARK, pixels=FAMILIES[family].absolute)
    tokenizer = _tokenizer((*prompt.split(_CATEGORY_MARK), *_PHRASES, *words), template)
    torch.manual_seed(seed)
    model = _class(f"{architecture.prefix}ForConditionalGeneration")(_config(architecture, tokenizer))
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    pictures = {
        "min_pixels": FAMILIES[family].min_pixels,
        "max_pixels": _MAX_PIXELS,
        "patch_size": architecture.vision["patch_size"],
        **architecture.pictures,
    }
    _class(f"{architecture.prefix}Processor")(
        image_processor=Qwen2VLImageProcessor(**pictures),
        tokenizer=tokenizer,
        video_processor=_class(architecture.video_processor)(**pictures),
        chat_template=template,
    ).save_pretrained(out)
    tokenizer.save_pretrained(out)
    generation = {"eos_token_id": [tokenizer.eos_token_id], "pad_token_id": tokenizer.pad_token_id, "do_sample": False}
    (out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")


def _class(name: str) -> Any:
    return getattr(transformers, name)


def _tokenizer(phrases: tuple[str, ...], chat_template: str) -> PreTrainedTokenizerFast:
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
    core.add_tokens([AddedToken(text, normalized=False) for text in dict.fromkeys(phrases)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL_TOKENS),
        model_max_length=32768,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = chat_template
    return tokenizer


def _config(architecture: _Architecture, tokenizer: PreTrainedTokenizerFast) -> Any:
    token_id = tokenizer.convert_tokens_to_ids
    token_ids = {
        "vision_start_token_id": token_id("<|vision_start|>"),
        "vision_end_token_id": token_id("<|vision_end|>"),
        "image_token_id": token_id("<|image_pad|>"),
        "video_token_id": token_id("<|video_pad|>"),
    }
    if architecture.prefix == "Qwen2VL":
        token_ids["vision_token_id"] = token_id("<|vision_pad|>")
    return _class(f"{architecture.prefix}Config")(
        text_config={
            "vocab_size": 16 * ((len(tokenizer) + 15) // 16),
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "bos_token_id": token_id("<|endoftext|>"),
            "eos_token_id": token_id("<|im_end|>"),
            "pad_token_id": token_id("<|endoftext|>"),
            "tie_word_embeddings": True,
            "initializer_range": _INITIALIZER_RANGE,
            **architecture.text,
        },
        vision_config={
            "depth": 3,
            "num_heads": 4,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "initializer_range": _INITIALIZER_RANGE,
            **architecture.vision,
        },
        **token_ids,
        tie_word_embeddings=True,
        architectures=[f"{architecture.prefix}ForConditionalGeneration"],
    )


def main() -> None:
    """Parse the command line and write the model."""
    parser = argparse.ArgumentParser(description="Write an untrained tiny Qwen-VL model.")
    parser.add_argument("--family", choices=sorted(_ARCHITECTURES), default="qwen2-vl")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    build_tiny_model(options.out, seed=options.seed, family=options.family)


if __name__ == "__main__":
    main()
