# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The same steps on one rank and on several: equal losses, and each picture through the vision tower once."""

import pytest
from pipeline import train

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PROMPTS, ROLLOUTS = 8, 4
STEP = [
    f"data.train_batch_size={PROMPTS}",
    f"actor_rollout_ref.rollout.n={ROLLOUTS}",
    *["trainer.total_training_steps=2", "trainer.save_freq=-1", "trainer.test_freq=-1"],
]
BATCHES = {
    "fixed": [f"actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu={2 * ROLLOUTS}"],
    "dynamic": [
        "actor_rollout_ref.actor.use_dynamic_bsz=true",
        "actor_rollout_ref.actor.ppo_max_token_len_per_gpu=800",
    ],
}


@pytest.fixture(scope="module")
def one_rank(tmp_path_factory, data):
    return train(tmp_path_factory.mktemp("one"), data, *STEP, *BATCHES["fixed"])


@pytest.mark.parametrize(("ranks", "batches"), [(2, "dynamic"), (4, "fixed")])
def test_losses_are_those_of_one_rank_and_the_tower_sees_each_picture_once(ranks, batches, one_rank, data, tmp_path):
    """Responses have seeds of their own, so the first step learns from the same ones."""
    settings = [f"trainer.n_gpus_per_node={ranks}", *BATCHES[batches]]
    log = train(tmp_path, data, *STEP, *settings, OMP_NUM_THREADS="1")
    wanted, found = one_rank.by_step[1], log.by_step[1]
    assert wanted["actor/tower_passes_per_picture"] == 1.0
    # A dynamic batch keeps a prompt's rows whole, not those of two prompts about a picture: 12 are drawn, 16 prompts.
    assert 1.0 <= found["actor/tower_passes_per_picture"] <= (1.0 if batches == "fixed" else 1.34)
    for name in ("critic/score/mean", "actor/pg_loss", "actor/kl_loss", "actor/grad_norm", "actor/entropy"):
        assert found[name] == pytest.approx(wanted[name], rel=1e-5, abs=1e-5), name
