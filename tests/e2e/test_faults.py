# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Resumed runs: the losses of the uninterrupted one, and a few kills of `scripts/chaos.sh`."""

import subprocess
import sys
import time

import pytest
from faults.cases import broken_row, full_disk
from faults.kills import Kill, carry_out, start_again
from faults.supervised import Run, training
from pipeline import CPU, ROOT, TIMEOUT, TINY_MODEL, grpo, run, train, unmarked

from verl_visual_rft.evaluation.training_log import read_training_log, training_log_files
from verl_visual_rft.training.checkpoints.best import best_checkpoint, read_best
from verl_visual_rft.training.checkpoints.folders import complete_checkpoints

pytestmark = pytest.mark.e2e

COMPARED = ("reward/score/mean", "actor/pg_loss", "actor/kl_loss", "actor/grad_norm", "actor/lr")


def test_a_run_goes_on_from_its_last_checkpoint_and_ends_within_a_minute_of_a_worker(resumed):
    assert resumed.outcome.wrong == ""
    assert not resumed.outcome.went_on
    steps = resumed.log.series("reward/score/mean").steps
    assert steps == tuple(range(1, len(steps) + 1)) and len(steps) > 2
    said = "was written with visual_rft.reward=robust=1,counting=0.5, and the run goes on with raises"
    assert said in " ".join((resumed.folder / "log.txt").read_text().split())


@pytest.mark.long
def test_a_stopped_run_saves_its_step_and_the_next_start_the_last_that_the_data_have(tmp_path, data):
    """Without validation, and scored by a function as veRL has it."""
    (tmp_path / "seven.py").write_text("def score(**kwargs):\n    return 7.0\n")
    command = grpo(
        *[tmp_path, data, "data.train_max_samples=12", "trainer.total_epochs=4", "trainer.total_training_steps=50"],
        *["trainer.save_freq=100", "data.val_files=null"],
        *[f"reward.custom_reward_function.path={tmp_path}/seven.py", "reward.custom_reward_function.name=score"],
    )
    launcher = subprocess.Popen(command, cwd=ROOT, env=unmarked() | CPU, stderr=subprocess.PIPE, text=True)
    try:
        while not list(tmp_path.glob("metrics.*.jsonl")) and launcher.poll() is None:
            time.sleep(0.1)
        launcher.terminate()
        _, said = launcher.communicate(timeout=TIMEOUT)
    finally:
        launcher.kill()
    assert launcher.returncode == 143
    assert "stopped, its last step is saved" in said
    steps = read_training_log(training_log_files(tmp_path)).series("reward/score/mean").steps
    assert [checkpoint.step for checkpoint in complete_checkpoints(tmp_path / "checkpoints")] == [steps[-1]]
    run(*command)
    scores = read_training_log(training_log_files(tmp_path)).series("reward/score/mean")
    assert scores.steps == tuple(range(1, 13)) and set(scores.values) == {7.0}
    assert complete_checkpoints(tmp_path / "checkpoints")[-1].step == 12


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


#: Parts of a run, when they are killed, and of what the launcher must say one: who notices first is chance.
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


@pytest.fixture(scope="module")
def victim(tmp_path_factory, data):
    """A run that is started again after each kill: `carry_out` sees to it that it goes on from the last checkpoint."""
    folder = tmp_path_factory.mktemp("victim")
    run = Run(folder, training(folder, data))
    yield run
    run.end()


@pytest.mark.long
@pytest.mark.parametrize("part", KILLS)
def test_a_dead_part_ends_the_run_within_a_minute_and_it_goes_on(victim, part):
    moment, said = KILLS[part]
    outcome = carry_out(victim, Kill(part, moment, 0.3))
    assert outcome.wrong == ""
    assert any(one in outcome.said for one in said), outcome.said
    if not victim.is_running:
        start_again(victim)


@pytest.mark.long
def test_a_killed_run_has_the_losses_of_the_uninterrupted_one(victim, tmp_path, data):
    """Seeds decide what each response samples."""
    whole = Run(tmp_path, training(tmp_path, data))
    whole.start()
    try:
        while whole.next_step() < 6:
            pass
    finally:
        whole.end()
    expected, log = (read_training_log(training_log_files(folder)) for folder in (tmp_path, victim.folder))
    assert len(training_log_files(victim.folder)) > 1
    for step in range(1, 7):
        for metric in COMPARED:
            wanted = pytest.approx(expected.by_step[step][metric], rel=1e-4, abs=1e-7)
            assert log.by_step[step][metric] == wanted, (step, metric)


@pytest.mark.long
@pytest.mark.parametrize("fault", [broken_row, full_disk], ids=lambda fault: fault.__name__)
def test_a_fault_ends_the_run_with_its_cause(tmp_path, data, fault):
    (case,) = fault(tmp_path, data)
    assert case.wrong == ""


def test_the_campaign_says_what_it_does():
    done = subprocess.run(["bash", "scripts/chaos.sh", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, "--kills" in done.stdout) == (0, True)
