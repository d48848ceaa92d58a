# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the LoRA settings: what they train in each family, and that the adapter off is the reference."""

from __future__ import annotations

import re

import pytest
import torch
from hydra import compose, initialize_config_module
from omegaconf import DictConfig
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForImageTextToText

from verl_visual_rft.coordinates import FAMILIES
from verl_visual_rft.miniature.tiny_model import build_tiny_model

#: The linear layers of a decoder layer, which LLaMA-Factory finds for ``lora_target all``.
LINEAR = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def composed(*overrides: str) -> DictConfig:
    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        return compose("visual_rft", overrides=[*overrides])


def test_it_is_off_unless_asked_for() -> None:
    config = composed()
    assert config.actor_rollout_ref.model.lora_rank == 0
    assert composed("lora=off") == config


def test_a_recipe_sets_rank_and_alpha_and_the_rest_follows() -> None:
    config = composed(
        "lora=on", "actor_rollout_ref.model.lora_rank=32", "actor_rollout_ref.model.lora_alpha=64"
    ).actor_rollout_ref
    assert (config.model.lora_rank, config.model.lora_alpha) == (32, 64)
    assert config.actor.optim.lr == pytest.approx(10 * composed().actor_rollout_ref.actor.optim.lr)
    assert config.actor.checkpoint.save_lora_only
    assert config.rollout.load_format == "safetensors"


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_language_model_alone_is_adapted_and_without_the_adapter_nothing_has_changed(
    tmp_path_factory: pytest.TempPathFactory, family: str
) -> None:
    folder = tmp_path_factory.mktemp(family)
    build_tiny_model(folder, family=family)
    base = AutoModelForImageTextToText.from_pretrained(folder).eval()
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        reference = base(input_ids=ids).logits
    settings = composed("lora=on").actor_rollout_ref.model
    adapted = get_peft_model(  # as verl 0.9.1 does, workers/engine/fsdp/transformer_impl.py:359
        base,
        LoraConfig(
            task_type=TaskType.CAUSAL_LM,
            r=settings.lora_rank,
            lora_alpha=settings.lora_alpha,
            target_modules=settings.target_modules,
            exclude_modules=settings.exclude_modules,
            bias="none",
        ),
    ).eval()
    trained = [name for name, parameter in adapted.named_parameters() if parameter.requires_grad]
    assert {name.split(".")[-4] for name in trained} == LINEAR
    assert all(re.search(r"language_model\.layers\.\d+\..*\.lora_[AB]\.", name) for name in trained)
    layers = base.config.text_config.num_hidden_layers
    assert len(trained) == 2 * len(LINEAR) * layers
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if name in trained:
                parameter.add_(0.1)
        assert not torch.equal(adapted(input_ids=ids).logits, reference)
        with adapted.disable_adapter():
            assert torch.equal(adapted(input_ids=ids).logits, reference)
