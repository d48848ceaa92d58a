# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The default configuration trains as the published code does: veRL's workers against plain PyTorch."""

import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

import plain_grpo  # noqa: E402
from tiny_steps import STEPS, TOTAL_STEPS, load, steps_by_verl  # noqa: E402

from verl_visual_rft.miniature.pretraining import TINY_MODEL  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def by_verl(tmp_path_factory, policy_folder, rows):
    return steps_by_verl(tmp_path_factory.mktemp("steps"), policy_folder, rows)


@pytest.fixture(scope="module")
def plain(policy_folder, rows):
    policy = load(policy_folder)
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    steps = plain_grpo.train(policy, load(TINY_MODEL), rows, TOTAL_STEPS, STEPS)
    return before, steps, policy.state_dict()


def test_loss_kl_advantages_gradient_and_learning_rate_of_each_step(by_verl, plain):
    _, steps, _ = plain
    assert [step.lr for step in steps] == [1e-6, 0.75e-6]
    for expected, step in zip(steps, by_verl["steps"], strict=True):
        metrics = step["metrics"]
        assert metrics["loss"] == pytest.approx([expected.loss], rel=1e-4)
        assert metrics["kl_loss"] == pytest.approx([expected.kl], rel=1e-4)
        assert expected.kl > 0.1  # the policy has left its reference: the term is really tested
        assert metrics["grad_norm"] == pytest.approx([expected.grad_norm], rel=1e-4)
        assert expected.grad_norm > 1  # the clipping to 1 is really tested
        assert step["advantages"] == pytest.approx(expected.advantages, abs=1e-6)
        assert step["lr"] == pytest.approx(expected.lr, rel=1e-9)
        assert metrics["actor/pg_clipfrac"] == metrics["actor/pg_clipfrac_lower"] == [0]


def test_the_weights_move_by_the_same_update(by_verl, plain):
    before, _, after = plain
    square_error = square_change = 0.0
    for name, start in before.items():
        change = (after[name] - start).double()
        square_error += float((by_verl["weights"][name] - start - change).pow(2).sum())
        square_change += float(change.pow(2).sum())
    # float32 rounds a step of 1e-6 on weights of about 0.1 to some percent of itself.
    assert math.sqrt(square_error / square_change) < 0.02


def test_every_part_of_the_model_is_trained_the_vision_tower_included(by_verl, plain):
    before, _, _ = plain
    assert [name for name, value in before.items() if torch.equal(value, by_verl["weights"][name])] == []


def test_the_optimizer_is_the_published_one(by_verl):
    optimizer = by_verl["optimizer"]
    assert {name: optimizer[name] for name in ("lr", "betas", "eps", "weight_decay", "amsgrad")} == {
        **{"lr": plain_grpo.LR, "betas": plain_grpo.BETAS, "eps": plain_grpo.ADAM_EPSILON},
        **{"weight_decay": 0.0, "amsgrad": False},
    }
