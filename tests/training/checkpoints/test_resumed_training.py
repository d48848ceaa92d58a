# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Real FSDP checkpoints of veRL's actor, killed inside one and resumed: as if there had been no kill."""

import json

import pytest

pytest.importorskip("verl", reason="verl is not installed")
torch = pytest.importorskip("torch", reason="torch is not installed")

import forks  # noqa: E402
import resumed_steps  # noqa: E402
from tiny_steps import OVERRIDES, TINY_MODEL, make_policy, make_rows  # noqa: E402

from verl_visual_rft.training.checkpoints.folders import complete_checkpoints  # noqa: E402

MICRO_BATCHES = [f"actor_rollout_ref.{part}.log_prob_micro_batch_size_per_gpu=4" for part in ("rollout", "ref")]
OVERRIDES = [*OVERRIDES, *MICRO_BATCHES, "data.train_batch_size=2", "data.shuffle=true", "data.seed=0"]


def train(job, result, last, die_in=None):
    (ended,) = forks.run_ranks(1, resumed_steps.main, job, result, last, die_in)
    assert ended.status == (9 if die_in else 0), ended.output[-5000:]
    return json.loads(result.read_text())


def steps_in(root):
    return [checkpoint.step for checkpoint in complete_checkpoints(root)]


@pytest.mark.long
def test_a_killed_and_resumed_run_has_the_losses_of_the_uninterrupted_one(tmp_path):
    make_policy(tmp_path / "policy")
    job = {"policy": str(tmp_path / "policy"), "reference": str(TINY_MODEL), "rows": make_rows(), "total_steps": 4}
    job["dropout"] = 0.1
    for name in ("whole", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        torch.save(job | {"overrides": OVERRIDES, "checkpoints": str(folder / "checkpoints")}, folder / "job.pt")
    whole = train(tmp_path / "whole" / "job.pt", tmp_path / "whole" / "steps.json", 4)
    killed = tmp_path / "killed"
    before = train(killed / "job.pt", killed / "before.json", 4, die_in=3)
    assert (killed / "checkpoints" / "partial" / "global_step_3").is_dir()
    assert steps_in(killed / "checkpoints") == [2]  # room was made for the third
    after = train(killed / "job.pt", killed / "after.json", 4)
    assert (list(before), list(after)) == (["1", "2"], ["3", "4"])
    assert before | after == whole  # every figure of every step, to the bit
    assert steps_in(killed / "checkpoints") == [3, 4]
