# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A model that would rather see things than answer: its likeliest tokens are those that stand for pictures."""

import shutil
from pathlib import Path

import torch
from PIL import Image
from transformers import AutoProcessor, Qwen2VLForConditionalGeneration

from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.tasks.detection.prompt import detection_prompt
from verl_visual_rft.vision_tokens import vision_tokens_of


def make_model(folder: Path) -> Path:
    """Write the tiny model with an output layer that prefers vision tokens; return its folder."""
    shutil.copytree(TINY_MODEL, folder, dirs_exist_ok=True)
    model = Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(folder)
    tokens = list(vision_tokens_of(processor.tokenizer).values())
    chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": detection_prompt("red circle")}]}]
    text = processor.apply_chat_template(chat, add_generation_prompt=True)
    inputs = processor(text=[text], images=[Image.new("RGB", (112, 112), "white")], return_tensors="pt")
    with torch.no_grad():
        hidden = model.model(**inputs).last_hidden_state[0, -1]
        head = model.get_output_embeddings().weight
        head[tokens] = 3 * head.norm(dim=-1).max() * hidden / hidden.norm()
        likely = model(**inputs).logits[0, -1].softmax(-1)[tokens].sum()
    assert likely > 0.99
    model.save_pretrained(folder)
    return folder
