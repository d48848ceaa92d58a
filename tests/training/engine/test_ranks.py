# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Ranks that have whole groups learn what those of veRL learn, and compute pictures as seldom as they can."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from ranked_steps import PROMPTS, step_on_ranks  # noqa: E402
from tiny_steps import make_policy  # noqa: E402

DYNAMIC = ["actor_rollout_ref.actor.use_dynamic_bsz=true", "actor_rollout_ref.actor.ppo_max_token_len_per_gpu=400"]


@pytest.fixture(scope="module")
def policy_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy")
    make_policy(folder)
    return folder


@pytest.fixture(scope="module")
def of_verl(tmp_path_factory, policy_folder):
    return step_on_ranks(tmp_path_factory.mktemp("of_verl"), policy_folder, 2, "veRL's")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ranks", "overrides"),
    [(2, []), pytest.param(4, [], marks=pytest.mark.long), pytest.param(4, DYNAMIC, marks=pytest.mark.long)],
    ids=["2", "4", "4 dynamic"],
)
def test_whole_groups_are_learnt_from_alike_and_each_picture_passes_the_tower_once(
    ranks, overrides, of_verl, policy_folder, tmp_path
):
    ours = step_on_ranks(tmp_path, policy_folder, ranks, "ours", *overrides)
    assert sum(map(sum, ours["seen"])) == PROMPTS
    assert sum(ours["metrics"]["tower_passes_per_picture"]) / ranks == 1.0  # veRL logs the mean over ranks
    assert sum(map(sum, of_verl["seen"])) > 2 * PROMPTS
    for name in ("loss", "grad_norm"):
        assert ours["metrics"][name] == pytest.approx(of_verl["metrics"][name], rel=1e-5, abs=1e-6), name
    for name, weight in of_verl["weights"].items():
        torch.testing.assert_close(ours["weights"][name], weight, rtol=1e-5, atol=1e-6)
    assert ours["balance"]["global_seqlen/balanced_max"] <= 1.1 * ours["balance"]["global_seqlen/mean"]
