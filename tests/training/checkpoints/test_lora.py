# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""LoRA by veRL's workers: what is saved of it, resumed from it, and exported; vLLM's part is in `tests/e2e`."""

import json

import pytest

pytest.importorskip("verl", reason="verl is not installed")
torch = pytest.importorskip("torch", reason="torch is not installed")

import forks  # noqa: E402
import resumed_steps  # noqa: E402
from tiny_steps import OVERRIDES, TINY_MODEL, make_rows  # noqa: E402
from weights import changed, loaded, weights_of  # noqa: E402

from verl_visual_rft.training.export import export  # noqa: E402

# Constant: a schedule that has ended at 0 would leave nothing to learn to the step after it.
OPTIMIZER = [f"actor_rollout_ref.actor.optim.{setting}" for setting in ("lr=1e-2", "lr_scheduler_type=constant")]
MICRO_BATCHES = [f"actor_rollout_ref.{part}.log_prob_micro_batch_size_per_gpu=4" for part in ("rollout", "ref")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two steps whose checkpoint is the adapter alone, and a third, resumed from it, that saves everything."""
    folder = tmp_path_factory.mktemp("lora")
    job = {"policy": str(TINY_MODEL), "reference": str(TINY_MODEL), "rows": make_rows(), "total_steps": 4}
    job |= {"dropout": 0.0, "checkpoints": str(folder / "checkpoints")}
    overrides = [*OVERRIDES, *MICRO_BATCHES, "lora=on", *OPTIMIZER, "data.train_batch_size=2", "data.seed=0"]
    everything = "actor_rollout_ref.actor.checkpoint.save_lora_only=false"
    for last, more in ((2, []), (3, [everything])):
        torch.save(job | {"overrides": overrides + more}, folder / "job.pt")
        forks.run(resumed_steps.main, folder / "job.pt", folder / f"until_{last}.json", last)
    return folder


@pytest.mark.long
def test_a_checkpoint_is_the_adapter_alone_and_training_goes_on_from_it(run):
    before, after = (weights_of(run / f"checkpoints/global_step_{step}/actor") for step in (2, 3))
    assert before and all("lora_" in name and "language_model" in name for name in before)
    adapter = {name for name in after if "lora_" in name}
    assert adapter == before.keys()
    assert any(not torch.equal(before[name], after[name]) for name in adapter)
    distance = sum(float((before[name] - after[name]).abs().max()) for name in adapter) / len(adapter)
    assert distance < 3e-2  # one more step of Adam at 1e-2; between two fresh adapters it is 0.1


@pytest.mark.long
def test_the_base_weights_are_unchanged_bit_for_bit(run):
    after = weights_of(run / "checkpoints/global_step_3/actor")
    kept = {name.replace(".base_layer.", "."): weight for name, weight in after.items() if "lora_" not in name}
    base = loaded(TINY_MODEL)
    assert kept.keys() == base.keys()
    for name, weight in base.items():
        assert torch.equal(kept[name], weight), name


@pytest.mark.long
def test_the_reference_is_the_adapter_off(run):
    first, second = (step["kl_loss"] for step in json.loads((run / "until_2.json").read_text()).values())
    assert max(first) == 0  # a fresh adapter adds nothing
    assert max(second) > 0


@pytest.mark.long
def test_the_adapter_is_merged_into_the_model(run):
    forks.run(export, run, str(TINY_MODEL))
    merged = changed(run / "hf")
    assert merged
    assert all("visual" not in name and name.endswith("_proj.weight") for name in merged)
