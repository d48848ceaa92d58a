# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A batch that is one update is trained on without old log-probabilities, with the same result."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

import plain_grpo  # noqa: E402
from hydra import compose, initialize_config_module  # noqa: E402
from tiny_steps import load, make_rows, steps_by_verl  # noqa: E402
from verl.utils.py_functional import rename_dict  # noqa: E402

from verl_visual_rft.training.engine.one_update import (  # noqa: E402
    is_one_update,
    name_metrics_of_pass,
    wants_no_old_log_probs,
)

#: How far vLLM's log-probabilities are made to be from the policy's.
NOISE = 0.1


def response_entropy(policy, row):
    tokens = torch.cat([row["prompt_ids"], row["response_ids"]]).unsqueeze(0)
    logits = policy(
        input_ids=tokens,
        pixel_values=row["pixel_values"],
        image_grid_thw=row["image_grid_thw"],
        mm_token_type_ids=(tokens == policy.config.image_token_id).int(),
    ).logits[0, len(row["prompt_ids"]) - 1 : -1]
    return torch.distributions.Categorical(logits=logits).entropy()


@pytest.fixture(scope="module")
def rows(policy_folder):
    policy, generator = load(policy_folder), torch.Generator().manual_seed(3)
    rows = make_rows()
    with torch.no_grad():
        for row in rows:
            row["log_probs"] = plain_grpo.response_log_probs(policy, row)
            row["rollout_log_probs"] = row["log_probs"] + NOISE * torch.randn(
                row["log_probs"].shape, generator=generator
            )
            row["entropy"] = response_entropy(policy, row)
    return rows


@pytest.fixture(scope="module")
def with_and_without_the_pass(tmp_path_factory, policy_folder, rows):
    return tuple(
        steps_by_verl(tmp_path_factory.mktemp("steps"), policy_folder, rows, own_log_probs=own) for own in (False, True)
    )


@pytest.mark.slow
def test_losses_gradients_and_weights_are_those_with_the_pass(with_and_without_the_pass):
    expected, found = with_and_without_the_pass
    for with_pass, without in zip(expected["steps"], found["steps"], strict=True):
        for name in ("loss", "kl_loss", "grad_norm", "actor/pg_loss", "actor/pg_clipfrac", "actor/pg_clipfrac_lower"):
            assert without["metrics"][name] == pytest.approx(with_pass["metrics"][name], rel=1e-6, abs=1e-6), name
        assert without["metrics"]["actor/ppo_kl"] == [0.0]
    differences = [(found["weights"][name] - weight).abs().flatten() for name, weight in expected["weights"].items()]
    apart = torch.cat(differences) > 1e-7
    # Where a gradient is all but zero, Adam makes a step of its last bit.
    assert apart.sum() < 1e-4 * apart.numel()


@pytest.mark.slow
def test_what_the_pass_reports_is_reported_of_the_update(with_and_without_the_pass, rows):
    metrics = rename_dict(with_and_without_the_pass[1]["steps"][0]["metrics"], "actor/")  # as veRL's trainer does
    name_metrics_of_pass(metrics)

    entropy = sum(row["entropy"].mean().item() for row in rows) / len(rows)
    assert metrics["actor/entropy"] == pytest.approx([entropy], rel=1e-5)
    differences = torch.cat([(row["log_probs"].exp() - row["rollout_log_probs"].exp()).abs() for row in rows])
    assert metrics["training/rollout_probs_diff_max"] == pytest.approx([differences.max().item()], rel=1e-4)
    assert metrics["training/rollout_probs_diff_mean"] == pytest.approx([differences.mean().item()], rel=1e-4)
    kl = torch.cat([row["rollout_log_probs"] - row["log_probs"] for row in rows]).mean().item()
    assert metrics["rollout_corr/kl"] == pytest.approx([kl], rel=1e-3)
    assert not [name for name in metrics if name.startswith(("actor/training", "actor/rollout_corr"))]


def configuration(*overrides):
    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        return compose("visual_rft", ["device=cpu", *overrides])


@pytest.mark.parametrize("algorithm", ["paper", "dapo", "gdpo", "dr_grpo"])
@pytest.mark.parametrize("lora", ["on", "off"])
def test_every_algorithm_is_one_update_a_batch(algorithm, lora):
    config = configuration(f"algo={algorithm}", f"lora={lora}")
    assert is_one_update(config, 16 * 8)
    assert not is_one_update(config, 2 * 16 * 8)  # sessions of several outputs: two updates


@pytest.mark.parametrize(
    "override",
    [
        "actor_rollout_ref.actor.ppo_epochs=2",
        "actor_rollout_ref.actor.ppo_mini_batch_size=8",
        "actor_rollout_ref.actor.policy_loss.loss_mode=gspo",
        "actor_rollout_ref.actor.strategy=megatron",
        "actor_rollout_ref.model.use_fused_kernels=true",
        "algorithm.use_kl_in_reward=true",
        "algorithm.adv_estimator=optimal_token_baseline",
        "algorithm.rollout_correction.rollout_is=token",
        "algorithm.rollout_correction.rollout_rs=token_k1",
        "algorithm.rollout_correction.bypass_mode=true",
        "distillation.enabled=true",
        "trainer.device=npu",
    ],
)
def test_the_pass_is_made_where_something_reads_it(override):
    assert not wants_no_old_log_probs(configuration(override))
