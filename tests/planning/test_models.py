# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from verl_visual_rft.coordinates import FAMILIES
from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.planning.models import MODEL_TYPES, load_model
from verl_visual_rft.planning.parameters import count_parameters, lora_parameters
from verl_visual_rft.planning.published import PUBLISHED

#: Billions of parameters, as the models' pages on the hub say.
ON_THE_HUB = {
    "Qwen/Qwen2-VL-2B-Instruct": 2.21,
    "Qwen/Qwen2-VL-7B-Instruct": 8.29,
    "Qwen/Qwen2.5-VL-3B-Instruct": 3.75,
    "Qwen/Qwen2.5-VL-7B-Instruct": 8.29,
    "Qwen/Qwen3-VL-2B-Instruct": 2.13,
    "Qwen/Qwen3-VL-4B-Instruct": 4.44,
    "Qwen/Qwen3-VL-8B-Instruct": 8.77,
}


def on_meta(name):
    """The model that transformers builds from what `published` says, without memory."""
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    config = dict(PUBLISHED[name])
    model_type = config.pop("model_type")
    vision = config.pop("vision_config")
    text = config.pop("text_config", None) or {
        key: value for key, value in config.items() if key != "tie_word_embeddings"
    }
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    tied = PUBLISHED[name].get("tie_word_embeddings")
    made = transformers.AutoConfig.for_model(
        model_type, text_config=text, vision_config=vision, tie_word_embeddings=tied
    )
    with torch.device("meta"):
        return transformers.AutoModelForImageTextToText.from_config(made)


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_those_of_the_model_that_transformers_builds(name):
    model, counted = on_meta(name), count_parameters(load_model(name))
    language = model.model.language_model
    block, layer = model.model.visual.blocks[0], language.layers[0]
    for part, count in (
        (model, counted.total),
        (model.model.visual, counted.tower),
        (block, counted.tower_block),
        (layer, counted.decoder_layer),
        (language.embed_tokens, counted.embedding),
    ):
        assert sum(parameter.numel() for parameter in part.parameters()) == count
    assert round(counted.total / 1e9, 2) == ON_THE_HUB[name]


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen2-VL-2B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen3-VL-2B-Instruct"]
)
@pytest.mark.parametrize("tower", [True, False])
def test_adapters_are_those_that_peft_makes(name, tower):
    peft = pytest.importorskip("peft")
    excluded = None if tower else ".*visual.*"
    config = peft.LoraConfig(r=8, target_modules="all-linear", exclude_modules=excluded, task_type="CAUSAL_LM")
    model = peft.get_peft_model(on_meta(name), config)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert lora_parameters(load_model(name), 8, tower) == trained


def test_the_shipped_model_is_counted_like_any_other():
    transformers = pytest.importorskip("transformers")
    loaded = transformers.AutoModelForImageTextToText.from_pretrained(TINY_MODEL)
    assert count_parameters(load_model(str(TINY_MODEL))).total == sum(p.numel() for p in loaded.parameters())


def test_every_family_that_data_are_prepared_for_is_known():
    assert sorted(MODEL_TYPES.values()) == sorted(FAMILIES)


def test_the_family_follows_the_config_whatever_the_folder_is_called(tmp_path):
    folder = tmp_path / "Qwen2-VL-2B-Instruct"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(PUBLISHED["Qwen/Qwen3-VL-2B-Instruct"]))
    assert load_model(str(folder)).family == "qwen3-vl"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no model: it has no config.json; give a folder of"),
        ("{", ".*config.json is not JSON: .*; download the model again"),
        ("[]", "config.json: the top level is list, not an object"),
        ('{"model_type": "llama"}', "is no Qwen-VL: its config.json has model_type 'llama'; give a folder of"),
        ('{"model_type": "qwen2_vl"}', "its config.json has no 'num_attention_heads'; take the model's own"),
    ],
)
def test_a_folder_without_such_a_model_is_refused(content, message, tmp_path):
    folder = tmp_path / "Qwen2-VL-7B-Instruct"  # the name decides nothing
    folder.mkdir()
    if content is not None:
        (folder / "config.json").write_text(content)
    with pytest.raises(UserError, match=message) as error:
        load_model(str(folder))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["./nope", "../nope", "a/..", "./."])
def test_a_path_is_no_name_on_the_hub(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no such folder; give a folder of|holds no model") as error:
        load_model(name)
    assert "\n" not in str(error.value)


def test_a_missing_folder_and_an_unreachable_hub_are_refused(monkeypatch):
    with pytest.raises(UserError, match="model /nowhere/at all: no such folder; give a folder of"):
        load_model("/nowhere/at all")
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="Qwen/No-Such-VL is no folder, and the hub gives no config.json .* its folder"):
        load_model("Qwen/No-Such-VL")
