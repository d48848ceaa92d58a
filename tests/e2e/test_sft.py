# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Supervised fine-tuning by veRL's trainer. `test_recipes.py` has it with all parameters, exported and evaluated."""

import json
import sys
from pathlib import Path

import pytest
from pipeline import TINY_MODEL, Trained, run, sft
from weights import changed, weights_of

from verl_visual_rft.evaluation.training_log import read_training_log, training_log_files
from verl_visual_rft.training.checkpoints.folders import complete_checkpoints
from verl_visual_rft.training.monitoring.terminal import read_run

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def adapted(tmp_path_factory, data) -> Trained:
    """Two steps with LoRA."""
    folder = tmp_path_factory.mktemp("sft")
    overrides = ("sft=lora", "optim.lr=1e-2", "optim.lr_warmup_steps_ratio=0")
    run(*sft(folder, data, 2, *overrides))
    return Trained(folder, data, overrides, {}, read_training_log(training_log_files(folder)))


def test_sft_takes_two_steps(adapted):
    loss = adapted.log.series("train/loss")
    assert loss.steps == (1, 2)
    assert all(0 < value < 10 for value in loss.values)
    assert adapted.log.series("train/lr").values == pytest.approx((0.5e-2, 0.0))  # linear; logged after the update
    state = read_run(adapted.folder)
    assert state.finished and state.total == 2
    assert (adapted.folder / "checkpoints" / "global_step_2" / "fsdp_config.json").exists()


def test_its_adapter_is_saved_alone_and_merged(adapted):
    adapter = weights_of(adapted.folder / "checkpoints" / "global_step_2")
    assert adapter and all("lora_" in name and "language_model" in name for name in adapter)
    run(sys.executable, "-m", "verl_visual_rft.training.export", str(adapted.folder), "--model", str(TINY_MODEL))
    merged = changed(adapted.folder / "hf")
    assert merged and all(name.endswith("_proj.weight") for name in merged)


def test_sft_stops_at_a_loss_that_is_not_finite(tmp_path, data):
    shown = run(*sft(tmp_path, data, 4, "optim.lr=1e30"), status=1)
    assert "NonFiniteError" in shown
    (file,) = tmp_path.glob("stopped_rows.step_*.json")
    assert all(row["text"] for row in json.loads(file.read_text())["rows"])


@pytest.mark.long
def test_an_interrupted_sft_has_the_losses_of_the_uninterrupted_one(tmp_path, data):
    """Two steps an epoch: the checkpoint of step 2 is the end of one, after which veRL would leave one out."""

    def train(folder: Path, steps: int):
        epochs = ["trainer.total_epochs=4", "trainer.save_freq=1", "optim.lr_scheduler_type=constant"]
        run(*sft(folder, data, steps, *epochs))
        return read_training_log(training_log_files(folder)).series("train/loss")

    whole = train(tmp_path / "whole", 4)
    train(tmp_path / "resumed", 2)
    resumed = train(tmp_path / "resumed", 4)
    assert (whole.steps, resumed.steps) == ((1, 2, 3, 4), (1, 2, 3, 4))
    assert resumed.values == pytest.approx(whole.values, rel=1e-6)
    train(tmp_path / "resumed", 4)  # nothing is left to train
    assert [checkpoint.step for checkpoint in complete_checkpoints(tmp_path / "resumed" / "checkpoints")] == [3, 4]
