# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Resumed runs: the losses of the uninterrupted one, and a few kills of `scripts/chaos.sh`."""

import subprocess
import sys

import pytest
from faults.cases import broken_row, full_disk
from faults.kills import Kill, carry_out, start_again
from faults.supervised import Run, training
from pipeline import CONFIG, ROOT, TINY_MODEL, run, train

from verl_visual_rft.evaluation.training_log import read_training_log, training_log_files
from verl_visual_rft.training.checkpoints.best import best_checkpoint, read_best
from verl_visual_rft.training.checkpoints.folders import complete_checkpoints, latest

pytestmark = pytest.mark.e2e

SAME = ["trainer.total_training_steps=4", "trainer.save_freq=1"]


@pytest.mark.long
def test_a_killed_run_has_the_losses_of_the_uninterrupted_one(tmp_path, data):
    """Killed within step 3, whose checkpoint is not there; seeds decide what each response samples."""
    whole = train(tmp_path / "whole", data, *SAME, "trainer.max_actor_ckpt_to_keep=1")
    killed = Run(tmp_path / "killed", training(tmp_path / "killed", data, *SAME))
    killed.start()
    while killed.next_step() < 2:
        pass
    killed.end()
    saved = latest(killed.checkpoints).step
    log = train(tmp_path / "killed", data, *SAME)
    assert saved in (2, 3)
    started = read_training_log([training_log_files(tmp_path / "killed")[-1]])
    assert started.series("reward/score/mean").steps == tuple(range(saved + 1, 5))
    for step in range(saved + 1, 5):
        for metric in ("reward/score/mean", "actor/pg_loss", "actor/kl_loss", "actor/grad_norm", "actor/lr"):
            assert log.by_step[step][metric] == pytest.approx(whole.by_step[step][metric], rel=1e-4, abs=1e-7), metric
    assert [checkpoint.step for checkpoint in complete_checkpoints(tmp_path / "whole" / "checkpoints")] == [4]


@pytest.mark.long
def test_the_best_checkpoint_is_kept_and_exported(tmp_path, data):
    train(
        *[tmp_path, data, "trainer.total_training_steps=3", "trainer.save_freq=1", "trainer.test_freq=1"],
        *["trainer.max_actor_ckpt_to_keep=1", "visual_rft.keep_best=val-aux/coco/iou/mean@1"],
    )
    root = tmp_path / "checkpoints"
    best = read_best(root)
    scores = read_training_log(training_log_files(tmp_path)).series("val-aux/coco/iou/mean@1")
    assert best.value == pytest.approx(max(scores.values))
    assert [checkpoint.step for checkpoint in complete_checkpoints(root)] == sorted({best.step, 3})
    run(sys.executable, "-m", "verl_visual_rft.training.export", str(tmp_path), "--model", str(TINY_MODEL), "--best")
    assert best_checkpoint(root).step == best.step
    assert (tmp_path / "hf" / "model.safetensors").exists()


#: Parts of a run, when they are killed, and of what the launcher must say one: who notices first is chance. That of
#: every change first.
KILLS = {
    "training worker": ("checkpoint", [""]),
    "vLLM engine": ("step", [""]),  # its server's error or ours
    "agent loop worker": ("step", ["agent loop worker 0 died", "class_name: VisualRFTAgentLoopWorker"]),
    "reward worker": ("step", ["reward worker 0 died"]),
    "vLLM server": ("step", ["vLLM server 0 died", "vLLM engine 0 died: nobody answers"]),
    "transfer queue storage": ("step", ["transfer queue storage 0 died"]),
    "transfer queue controller": ("step", ["transfer queue controller 0 died"]),
    "trainer": ("checkpoint", ["class_name: TaskRunner"]),
    "raylet": ("step", [""]),  # one of Ray's errors
    "Ray's head service": ("step", ["Ray's gcs_server"]),
    "command": ("step", ["killed"]),
    "launcher": ("step", [""]),
}


IN_CI, *OTHERS = KILLS


@pytest.mark.parametrize("part", [IN_CI, *(pytest.param(part, marks=pytest.mark.long) for part in OTHERS)])
def test_a_dead_part_ends_the_run_within_a_minute_and_it_goes_on(tmp_path, data, part):
    moment, said = KILLS[part]
    run = Run(tmp_path, training(tmp_path, data))
    try:
        outcome = carry_out(run, Kill(part, moment, 0.3))
        assert outcome.wrong == ""
        assert any(one in outcome.said for one in said), outcome.said
        start_again(run)
    finally:
        run.end()


@pytest.mark.long
@pytest.mark.parametrize("fault", [broken_row, full_disk], ids=lambda fault: fault.__name__)
def test_a_fault_ends_the_run_with_its_cause(tmp_path, data, fault):
    (case,) = fault(tmp_path, data)
    assert case.wrong == ""


@pytest.mark.long
def test_an_interrupted_sft_has_the_losses_of_the_uninterrupted_one(tmp_path, data):
    """Two steps an epoch: the checkpoint of step 2 is the end of one, after which veRL would leave one out."""

    def sft(folder, steps):
        run(
            *[sys.executable, "-m", "verl_visual_rft.training.launch", "--run", str(folder), "--title", "SFT", "--"],
            *[
                "torchrun",
                "--standalone",
                "--nproc_per_node=1",
                "-m",
                "verl.trainer.sft_trainer",
                *CONFIG,
                "visual_sft",
            ],
            *["sft_device=cpu", f"data.train_files={data}/sft_train.parquet", f"model.path={TINY_MODEL}"],
            *["data.train_batch_size=8", "data.micro_batch_size_per_gpu=8", "data.max_length=160", "optim.lr=1e-4"],
            *[f"trainer.total_training_steps={steps}", "trainer.total_epochs=4", "trainer.save_freq=1"],
            *[f"trainer.default_local_dir={folder}/checkpoints", "optim.lr_scheduler_type=constant"],
        )
        return read_training_log(training_log_files(folder)).series("train/loss")

    whole = sft(tmp_path / "whole", 4)
    sft(tmp_path / "resumed", 2)
    resumed = sft(tmp_path / "resumed", 4)
    assert (whole.steps, resumed.steps) == ((1, 2, 3, 4), (1, 2, 3, 4))
    assert resumed.values == pytest.approx(whole.values, rel=1e-6)
    sft(tmp_path / "resumed", 4)  # nothing is left to train
    assert [checkpoint.step for checkpoint in complete_checkpoints(tmp_path / "resumed" / "checkpoints")] == [3, 4]


def test_the_campaign_says_what_it_does():
    done = subprocess.run(["bash", "scripts/chaos.sh", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, "--kills" in done.stdout) == (0, True)
