# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Export of checkpoints: which one, and an adapter merged into its model."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
peft = pytest.importorskip("peft", reason="peft is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.miniature.pretraining import TINY_MODEL  # noqa: E402
from verl_visual_rft.training.checkpoints.adapter import merge_adapter  # noqa: E402
from verl_visual_rft.training.export import checkpoint_of, export  # noqa: E402


def save(run: Path, step: int, weights: dict, part: str = "") -> Path:
    shards = run / "checkpoints" / f"global_step_{step}" / part
    shards.mkdir(parents=True)
    torch.save(weights, shards / "model_world_size_1_rank_0.pt")
    (shards / "fsdp_config.json").write_text('{"world_size": 1}')
    torch.save({}, run / "checkpoints" / f"global_step_{step}" / ("data.pt" if part else "data_0.pt"))
    return shards


@pytest.mark.parametrize("part", ["", "actor"])
def test_the_last_checkpoint_is_taken(tmp_path, part):
    save(tmp_path, 50, {}, part)
    last = save(tmp_path, 100, {}, part)
    assert checkpoint_of(tmp_path) == last


def test_without_a_checkpoint_there_is_nothing_to_export(tmp_path):
    with pytest.raises(UserError, match="no complete checkpoint .* train first"):
        export(tmp_path, "model")
    (save(tmp_path, 2, {}) / "model_world_size_1_rank_0.pt").unlink()
    with pytest.raises(UserError, match="no weights"):
        export(tmp_path, "model")


@pytest.fixture
def adapted():
    """The tiny model with a random LoRA adapter in its language model."""
    torch.manual_seed(0)
    base = transformers.AutoModelForImageTextToText.from_pretrained(TINY_MODEL)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", exclude_modules=".*visual.*")
    model = peft.get_peft_model(base, config)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def test_an_adapter_is_merged_as_peft_merges_it(tmp_path, adapted):
    shards = save(tmp_path, 2, {name: w for name, w in adapted.state_dict().items() if "lora_" in name}, "actor")
    (shards / "lora_train_meta.json").write_text(json.dumps({"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM"}))
    before = {name: w.clone() for name, w in adapted.get_base_model().state_dict().items()}
    expected = adapted.merge_and_unload().state_dict()

    folder = export(tmp_path, str(TINY_MODEL))

    merged = transformers.AutoModelForImageTextToText.from_pretrained(folder).state_dict()
    assert merged.keys() == expected.keys()
    for name, weight in merged.items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-5, atol=1e-6)
    plain = {name.replace(".base_layer", ""): w for name, w in before.items() if "lora_" not in name}
    changed = {name for name in merged if not torch.equal(merged[name], plain[name])}
    assert changed and not [name for name in changed if "visual" in name]
    assert transformers.AutoProcessor.from_pretrained(folder).tokenizer.eos_token == "<|im_end|>"
    assert not (tmp_path / "hf.partial").exists()


@pytest.mark.parametrize(
    ("weights", "alpha"), [({}, 8), ({"base_model.model.lm_head.lora_A.default.weight": torch.ones(4, 2)}, 0)]
)
def test_an_adapter_that_is_none_is_refused(tmp_path, weights, alpha):
    shards = save(tmp_path, 2, weights)
    (shards / "lora_train_meta.json").write_text(json.dumps({"r": 4, "lora_alpha": alpha}))
    with pytest.raises(UserError, match="none to merge"):
        export(tmp_path, str(TINY_MODEL))
    assert not (tmp_path / "hf").exists()


def test_an_adapter_of_another_model_is_refused(tmp_path):
    part = {"A": torch.ones(4, 7), "B": torch.ones(9, 4)}
    name = "base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_{}.default.weight"
    shards = save(tmp_path, 2, {name.format(key): weight for key, weight in part.items()})
    (shards / "lora_train_meta.json").write_text(json.dumps({"r": 4, "lora_alpha": 8}))
    with pytest.raises(UserError, match="does not have in this shape"):
        export(tmp_path, str(TINY_MODEL))


class Code:
    """What a pickle runs when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    ("lora", "place"),
    [
        (True, "a weight"),
        (True, "beside the weights"),
        (False, "a weight"),  # veRL's merger, a process of its own
        pytest.param(False, "beside the weights", marks=pytest.mark.long),
    ],
)
def test_a_checkpoint_that_is_a_program_is_not_run(tmp_path, lora, place):
    ran, weight = tmp_path / "ran", torch.ones(2)
    weights = {"a": Code(ran)} if place == "a weight" else {"a": weight, "b": [Code(ran)]}
    shards = save(tmp_path, 2, weights, "actor")
    if lora:
        (shards / "lora_train_meta.json").write_text(json.dumps({"r": 4, "lora_alpha": 8}))
    with pytest.raises(UserError, match="holds more than weights" if lora else "veRL could not merge"):
        export(tmp_path, str(TINY_MODEL))
    assert not ran.exists() and not (tmp_path / "hf").exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04.", b"weights", b"\0" * 999])
def test_a_damaged_checkpoint_is_one_line(tmp_path, content):
    shards = save(tmp_path, 2, {}, "actor")
    (shards / "lora_train_meta.json").write_text(json.dumps({"r": 4, "lora_alpha": 8}))
    with pytest.raises(UserError, match="rank_0.pt is damaged"):
        (shards / "model_world_size_1_rank_0.pt").write_bytes(content)
        merge_adapter(shards, str(TINY_MODEL), tmp_path / "out")
