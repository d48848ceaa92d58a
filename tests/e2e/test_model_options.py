# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""LORA, THINK, TAU and MODEL in two steps of real training: each does what it says.

`tests/training/checkpoints/test_lora.py` shows the same of LoRA without vLLM.
"""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from pipeline import NOVEL, TINY_MODEL, TWO_STEPS, run, train
from weights import changed, loaded, weights_of

from verl_visual_rft.coordinates import FAMILIES
from verl_visual_rft.miniature.tiny_model import build_tiny_model
from verl_visual_rft.rewards import score

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def prepare(raw: Path, out: Path, *options: str) -> Path:
    """The shapes data set with 16 training rows."""
    run(
        *[sys.executable, "data_prep/coco.py", "--root", str(raw), "--out", str(out), "--novel-categories", NOVEL],
        *["--rows", "16", "--negatives", "0.25", *options],
    )
    return out


@pytest.fixture(scope="module")
def lora(tmp_path_factory, data) -> Path:
    """Two steps whose checkpoint is the adapter alone, and a third, resumed from it, that saves everything."""
    folder = tmp_path_factory.mktemp("lora")
    options = ["lora=on", "trainer.save_freq=1", "trainer.test_freq=-1"]
    # Constant: a schedule that has ended at 0 would leave nothing to learn to the step after it.
    options += [f"actor_rollout_ref.actor.optim.{setting}" for setting in ("lr=1e-2", "lr_scheduler_type=constant")]
    train(folder, data, *options, "trainer.total_training_steps=2")
    everything = "actor_rollout_ref.actor.checkpoint.save_lora_only=false"
    train(folder, data, *options, "trainer.total_training_steps=3", everything)
    return folder


def test_a_lora_checkpoint_is_the_adapter_alone_and_training_goes_on_from_it(lora):
    before, after = (weights_of(lora / f"checkpoints/global_step_{step}/actor") for step in (2, 3))
    assert before and all("lora_" in name and "language_model" in name for name in before)
    adapter = {name for name in after if "lora_" in name}
    assert adapter == before.keys()
    assert any(not torch.equal(before[name], after[name]) for name in adapter)
    distance = sum(float((before[name] - after[name]).abs().max()) for name in adapter) / len(adapter)
    assert distance < 3e-2  # one more step of Adam at 1e-2; between two fresh adapters it is 0.1


def test_the_base_weights_are_unchanged_bit_for_bit(lora):
    after = weights_of(lora / "checkpoints/global_step_3/actor")
    kept = {name.replace(".base_layer.", "."): weight for name, weight in after.items() if "lora_" not in name}
    base = loaded(TINY_MODEL)
    assert kept.keys() == base.keys()
    for name, weight in base.items():
        assert torch.equal(kept[name], weight), name


def test_the_reference_is_the_adapter_off_and_the_rollouts_are_with_it(lora):
    steps = [json.loads(line)["data"] for line in (lora / "metrics.1.jsonl").read_text().splitlines()]
    first, second = (step for step in steps if "actor/kl_loss" in step)
    assert first["actor/kl_loss"] == 0  # a fresh adapter adds nothing
    assert second["actor/kl_loss"] > 0
    for step in (first, second):  # vLLM's probabilities of its responses are the actor's
        assert step["training/rollout_probs_diff_max"] < 1e-3
    assert "ref_policy" not in (lora / "log.txt").read_text()  # no second model


def test_the_adapter_is_merged_into_a_model_that_predicts(lora, data, tmp_path):
    run(sys.executable, "-m", "verl_visual_rft.training.export", str(lora), "--model", str(TINY_MODEL))
    merged = changed(lora / "hf")
    assert merged
    assert all("visual" not in name and name.endswith("_proj.weight") for name in merged)
    predict = ["visual-rft", "predict", "--model", str(lora / "hf"), "--data", str(data / "val.parquet")]
    run(*predict, "--out", str(tmp_path / "predictions.jsonl"), "--max-tokens", "32", "--max-model-len", "112")
    lines = (tmp_path / "predictions.jsonl").read_text().splitlines()
    assert len(lines) == pq.read_metadata(data / "val.parquet").num_rows


def test_without_thinking_the_format_is_the_answer_alone_and_tau_rises_in_training_alone(tmp_path, data):
    prepared = prepare(data.parent / "raw", tmp_path / "data", "--no-think")
    log = train(
        *[tmp_path / "run", prepared, *TWO_STEPS, "trainer.test_freq=1"],
        *["visual_rft.reward=paper", "visual_rft.tau=curriculum", f"trainer.rollout_data_dir={tmp_path}/rollouts"],
        "data.max_prompt_length=256",  # a prompt that the tiny model has no words for
        "actor_rollout_ref.rollout.max_model_len=304",
    )
    assert log.series("reward/tau/mean").values == pytest.approx((0.5, 0.9))
    assert log.series("reward/tau/std").values == (0.0, 0.0)
    assert not [name for step in log.by_step.values() for name in step if name.startswith("val-") and "tau" in name]
    for step, tau in ((1, 0.5), (2, 0.9)):
        rows = [json.loads(line) for line in (tmp_path / f"rollouts/{step}.jsonl").read_text().splitlines()]
        assert all(json.loads(row["gts"])["think"] is False for row in rows)
        scores = [score("detection", row["output"], row["gts"], "paper", tau=tau)["score"] for row in rows]
        assert scores == pytest.approx([row["score"] for row in rows], abs=1e-5)


@pytest.mark.parametrize("family", ["qwen2.5-vl", "qwen3-vl"])
def test_the_other_families_learn_too(tmp_path, data, family):
    build_tiny_model(tmp_path / "model", family=family)
    options = ["--family", family, "--tokenizer", str(tmp_path / "model"), "--max-prompt-tokens", "128"]
    prepared = prepare(data.parent / "raw", tmp_path / "data", *options)
    log = train(
        *[tmp_path / "run", prepared, *TWO_STEPS, "trainer.save_freq=2"],
        f"actor_rollout_ref.model.path={tmp_path}/model",
        *["data.max_prompt_length=128", "actor_rollout_ref.rollout.max_model_len=176"],
        # A random model writes no answer, but now and then closes its thinking: something to learn from.
        *["visual_rft.reward=thinking_length", "actor_rollout_ref.actor.optim.lr=1e-3"],
    )
    assert max(log.series("actor/grad_norm").values) > 0
    assert log.series("rollout/missing_sessions").values == (0.0, 0.0)
    assert max(log.series("training/rollout_probs_diff_max").values) < 1e-2
    truth = json.loads(pq.read_table(prepared / "train.parquet").to_pylist()[0]["reward_model"]["ground_truth"])
    assert ("extent" in truth) is FAMILIES[family].absolute
    exported = [str(tmp_path / "run"), "--model", str(tmp_path / "model")]
    run(sys.executable, "-m", "verl_visual_rft.training.export", *exported)
    model_type = json.loads((tmp_path / "run/hf/config.json").read_text())["model_type"]
    assert model_type == family.replace(".", "_").replace("-", "_")
