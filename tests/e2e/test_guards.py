# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Faults inside a run, done to real runs: each ends with its cause, or goes on. Dead processes: test_faults.py."""

import json
import math
import os
import re
import time
from pathlib import Path

import psutil
import pytest
from pipeline import FLAKY, ROOT, TWO_STEPS, failing, python_path, train
from seeing_things import make_model

from verl_visual_rft.training.guards.lost_workers import WorkerWatch

pytestmark = pytest.mark.e2e

E2E = ROOT / "tests" / "e2e"


def wait_until(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.5)


@pytest.mark.smoke
def test_two_ranks_train_in_shards(grpo):
    assert grpo.log.series("reward/score/mean").steps == (1, 2)
    assert all(math.isfinite(value) for value in grpo.log.series("actor/grad_norm").values)
    actor = grpo.folder / "checkpoints" / "global_step_2" / "actor"
    assert {path.name for path in actor.glob("model_*.pt")} == {f"model_world_size_2_rank_{r}.pt" for r in (0, 1)}


def inodes_in_use() -> set[int]:
    """Of shared memory that a living process has mapped; a semaphore is mapped by another name than its file's."""
    maps = []
    for process in Path("/proc").glob("[0-9]*/maps"):
        try:
            maps.append(process.read_text())
        except OSError:  # it has ended
            continue
    return {int(inode) for inode in re.findall(r" (\d+) +/dev/shm/", "".join(maps))}


def test_a_killed_run_leaves_no_shared_memory(resumed, shared_memory_before):
    """No process of the run lives: what stays there and is in nobody's use is its own."""
    left = set(Path("/dev/shm").iterdir()) - shared_memory_before

    def is_clear() -> bool:
        used = inodes_in_use()
        left.difference_update([file for file in left if not file.exists() or file.stat().st_ino in used])
        return not left

    wait_until(is_clear, 30)  # others remove theirs a little after they have ended


def test_a_failed_session_costs_only_its_own_response(resumed):
    assert resumed.log.by_step[3]["rollout/missing_sessions"] == 4
    assert resumed.log.by_step[3]["warning/failed_sessions"] == 1
    assert resumed.log.by_step[3]["actor/grad_norm"] > 0
    assert "visual-rft: sessions of 4 of 4 prompts failed" in (resumed.folder / "log.txt").read_text()


def test_a_failing_reward_is_a_counted_zero_where_the_user_chose_so(resumed):
    assert "scored 0: row of " in (resumed.folder / "log.txt").read_text()
    lines = (resumed.folder / "rollouts" / "3.jsonl").read_text(encoding="utf-8").splitlines()
    scores = [json.loads(line)["score"] for line in lines]
    assert {0.0, 0.25} <= set(scores)


@pytest.mark.long
def test_a_step_without_any_response_ends_the_run_with_the_first_error(tmp_path, data):
    flaky = {"VISUAL_RFT_TEST_FAILING": "0 1 2 3", "PYTHONPATH": python_path(E2E)}
    shown = failing(tmp_path, data, *TWO_STEPS, FLAKY, **flaky)
    assert "every session of the step failed; the first error: row of" in shown
    assert "OSError: broken on purpose" in shown


@pytest.mark.long
def test_a_gradient_that_is_not_finite_ends_the_run_with_its_rows_saved(tmp_path, data, failing_rewards):
    huge = ["algo=dr_grpo", "visual_rft.reward=huge"]
    shown = failing(tmp_path, data, *TWO_STEPS, *huge, PYTHONPATH=python_path(failing_rewards))
    assert "step 1: the " in shown  # the loss or the gradient norm
    (file,) = tmp_path.glob("stopped_rows.step_1.json")
    saved = json.loads(file.read_text())
    assert saved["rows"]
    for row in saved["rows"]:
        assert {"row", "prompt", "response", "score", "reward"} <= set(row)


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


def test_no_other_machine_reaches_a_run_on_one_node(resumed):
    """Whoever reaches TransferQueue, Ray, vLLM or a rendezvous can run code in it."""
    assert [listener for listener in resumed.listeners if not listener.is_local] == []
    processes = " ".join(listener.process for listener in resumed.listeners)
    assert all(name in processes for name in ("raylet", "gcs_server", "TransferQueue", "WorkerDict", "vLLMHttpServer"))
