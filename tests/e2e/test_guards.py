# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Faults inside a run, done to real runs: each ends with its cause, or goes on. Dead processes: test_faults.py."""

import json
import os
import sys
import time

import psutil
import pytest
from pipeline import CONFIG, GRPO, ROOT, TINY_MODEL, run, train
from seeing_things import make_model

from verl_visual_rft.training.guards.lost_workers import WorkerWatch

pytestmark = pytest.mark.e2e

TWO_STEPS = ["trainer.total_training_steps=2", "trainer.save_freq=-1", "trainer.test_freq=-1"]


def wait_until(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.5)


def test_a_failed_session_costs_only_its_own_response(tmp_path, data):
    """One of four in every group; the batch is filled up with rows without pictures."""
    log = train(
        *[tmp_path, data, *TWO_STEPS],
        "actor_rollout_ref.rollout.agent.agent_loop_manager_class=flaky_sessions.FlakyManager",
        "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=2",  # so that some hold nothing else
        VISUAL_RFT_TEST_FAILING="0",
        PYTHONPATH=str(ROOT / "tests" / "e2e"),
    )
    for step in (1, 2):
        assert log.by_step[step]["rollout/missing_sessions"] == 4
        assert log.by_step[step]["warning/failed_sessions"] == 1
        assert log.by_step[step]["actor/grad_norm"] > 0
    assert "visual-rft: sessions of 4 of 4 prompts failed" in (tmp_path / "log.txt").read_text()


@pytest.mark.long
def test_a_step_without_any_response_ends_the_run_with_the_first_error(tmp_path, data):
    shown = failing(
        *[tmp_path, data, "actor_rollout_ref.rollout.agent.agent_loop_manager_class=flaky_sessions.FlakyManager"],
        VISUAL_RFT_TEST_FAILING="0 1 2 3",
        PYTHONPATH=str(ROOT / "tests" / "e2e"),
    )
    assert "every session of the step failed; the first error: row of" in shown
    assert "OSError: broken on purpose" in shown


def failing(folder, data, *overrides, status=1, **environment) -> str:
    """What a run shows that must end by itself, on one line."""
    command = [sys.executable, "-m", "verl_visual_rft.training.launch", "--run", str(folder), "--title", "GRPO", "--"]
    shown = run(
        *[*command, sys.executable, "-m", "verl.trainer.main_ppo", *CONFIG, "visual_rft", *GRPO, *TWO_STEPS],
        *[f"data.train_files={data}/train.parquet", f"data.val_files={data}/val.parquet"],
        *[f"trainer.default_local_dir={folder}/checkpoints", *overrides],
        status=status,
        **environment,
    )
    return " ".join(shown.split())


HUGE = '''
calls = 0

def huge():
    """Finite, but not its gradient: one response in three earns what float32 can just hold."""
    global calls
    calls += 1
    return 3e38 if calls % 3 == 0 else 0.0
'''


@pytest.mark.long
def test_a_gradient_that_is_not_finite_ends_the_run_with_its_rows_saved(tmp_path, data):
    plugin = tmp_path / "plugin"
    metadata = plugin / "huge_rewards-1.0.dist-info"
    metadata.mkdir(parents=True)
    (plugin / "huge_rewards.py").write_text(HUGE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: huge-rewards\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[verl_visual_rft.rewards]\nhuge = huge_rewards:huge\n")
    shown = failing(
        *[tmp_path / "run", data, "algo=dr_grpo", "visual_rft.reward=huge"],
        PYTHONPATH=str(plugin),
    )
    assert "step 1: the " in shown  # the loss or the gradient norm
    (file,) = (tmp_path / "run").glob("stopped_rows.step_1.json")
    saved = json.loads(file.read_text())
    assert saved["rows"]
    for row in saved["rows"]:
        assert {"row", "prompt", "response", "score", "reward"} <= set(row)


def test_sft_stops_at_a_loss_that_is_not_finite(tmp_path, data):
    shown = run(
        *[sys.executable, "-m", "verl_visual_rft.training.launch", "--run", str(tmp_path), "--title", "SFT", "--"],
        *["torchrun", "--standalone", "--nproc_per_node=1", "-m", "verl.trainer.sft_trainer", *CONFIG, "visual_sft"],
        *["sft_device=cpu", f"data.train_files={data}/sft_train.parquet", f"model.path={TINY_MODEL}"],
        *["data.train_batch_size=8", "data.micro_batch_size_per_gpu=8", "data.max_length=160", "optim.lr=1e30"],
        *["trainer.total_training_steps=4", f"trainer.default_local_dir={tmp_path}/checkpoints"],
        status=1,
    )
    assert "NonFiniteError" in shown
    (file,) = tmp_path.glob("stopped_rows.step_*.json")
    assert all(row["text"] for row in json.loads(file.read_text())["rows"])


@pytest.mark.long
def test_a_model_that_would_emit_vision_tokens_trains_and_validates(tmp_path, data):
    log = train(
        *[tmp_path / "run", data, "trainer.total_training_steps=2", "trainer.save_freq=-1", "trainer.test_freq=2"],
        f"actor_rollout_ref.model.path={make_model(tmp_path / 'model')}",
    )
    for step in (1, 2):
        assert log.by_step[step]["rollout/missing_sessions"] == 0
    assert any(name.startswith("val-core/") for name in log.by_step[2])


def test_the_watch_sees_ray_actors_die_and_has_patience_with_busy_ones():
    import ray

    @ray.remote(num_cpus=0)
    class Actor:
        def pid(self):
            return os.getpid()

        def work(self):
            time.sleep(300)

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        busy, idle = Actor.remote(), Actor.remote()
        pid = ray.get(idle.pid.remote())
        busy.work.remote()
        watch = WorkerWatch({"busy": busy, "idle": idle}, {})
        for _ in range(4):
            assert watch.look() == ""
            time.sleep(0.5)
        psutil.Process(pid).kill()
        seen = []
        wait_until(lambda: seen.append(watch.look()) or seen[-1], 15)
        assert seen[-1].startswith("idle died: ")
        assert str(pid) in seen[-1]
    finally:
        ray.shutdown()
