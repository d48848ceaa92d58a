# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the tiny models, which stand for their families in every test that runs a model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from verl_visual_rft.coordinates import FAMILIES
from verl_visual_rft.datasets.tokens import TextTokens, image_tokens
from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.miniature.tiny_model import build_tiny_model, main
from verl_visual_rft.tasks.classification.prompt import classification_prompt
from verl_visual_rft.tasks.detection.prompt import detection_prompt

MODEL_TYPES = {"qwen2-vl": "qwen2_vl", "qwen2.5-vl": "qwen2_5_vl", "qwen3-vl": "qwen3_vl"}
SIZE = (320, 240)
TEXT = "Où est le chat?\n<think> 犬 </think> No Objects 1234"


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / family
    build_tiny_model(folder, family=family)
    return folder


def test_the_config_says_the_family(family: str, model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    assert config["model_type"] == MODEL_TYPES[family]
    assert len(config["architectures"]) == 1


def test_it_answers_a_question_about_a_picture(family: str, model: Path) -> None:
    processor = AutoProcessor.from_pretrained(model)
    content = [{"type": "image"}, {"type": "text", "text": TEXT}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = processor(text=[text], images=[Image.new("RGB", SIZE, "teal")], return_tensors="pt")
    visual = int((inputs["input_ids"] == processor.image_token_id).sum())
    assert visual == image_tokens(SIZE, FAMILIES[family], min_pixels=3136, max_pixels=401408)
    assert inputs["input_ids"].shape[1] == visual + TextTokens(model).count(TEXT)
    answer = AutoModelForImageTextToText.from_pretrained(model).generate(**inputs, max_new_tokens=4, do_sample=False)
    assert inputs["input_ids"].shape[1] < answer.shape[1] <= inputs["input_ids"].shape[1] + 4


def test_any_text_survives_the_tokenizer(model: Path) -> None:
    tokenizer = AutoProcessor.from_pretrained(model).tokenizer
    assert tokenizer.decode(tokenizer(TEXT)["input_ids"]) == TEXT


def test_prompts_fit_with_room_for_the_answer(family: str, model: Path) -> None:
    count = TextTokens(model).count
    assert count(detection_prompt("cat", pixels=FAMILIES[family].absolute)) < 64
    assert count(classification_prompt("a plant", "the species of the plant")) < 512
    positions = json.loads((model / "config.json").read_text())["text_config"]["max_position_embeddings"]
    assert positions >= 1024 + 512


def test_the_weights_are_random_and_the_same_for_the_same_seed(
    family: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seed in (("same", "0"), ("other", "1")):
        command = ["tiny_model.py", "--family", family, "--out", str(tmp_path / name), "--seed", seed]
        monkeypatch.setattr(sys, "argv", command)
        main()
    first, same, other = (
        load_file(path / "model.safetensors") for path in (model, tmp_path / "same", tmp_path / "other")
    )
    assert first.keys() == same.keys() == other.keys()
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_the_shipped_model_is_of_this_architecture(tmp_path: Path) -> None:
    build_tiny_model(tmp_path)
    built, shipped = (load_file(folder / "model.safetensors") for folder in (tmp_path, TINY_MODEL))
    assert built.keys() == shipped.keys()
    words_of_its_own = [name for name in built if built[name].shape != shipped[name].shape]
    assert all("embed_tokens" in name for name in words_of_its_own)
