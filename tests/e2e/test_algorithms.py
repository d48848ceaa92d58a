# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Each ALGO in two steps of real training does what it says; `tests/training/algorithms` has the formulas."""

import json

import pytest
import torch
from pipeline import TWO_STEPS, train

from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.training.algorithms.advantages import (
    component_advantages,
    group_advantages,
    normalised_over_batch,
)

pytestmark = pytest.mark.e2e

PROMPTS, ROLLOUTS = 4, 4  # of pipeline.GRPO


def steps_of(log):
    return [log.by_step[step] for step in (1, 2)]


def rollouts(folder, step):
    """The responses of a step as veRL dumped them, the groups one after another, scored again."""
    lines = (folder / f"{step}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    scores = [score("detection", row["output"], row["gts"], "robust") for row in rows]
    assert [s["score"] for s in scores] == pytest.approx([row["score"] for row in rows], abs=1e-5)
    return scores, [index // ROLLOUTS for index in range(len(rows))]


@pytest.mark.smoke
def test_paper_decays_linearly_to_zero_and_clips_nothing(grpo):
    assert [step["actor/lr"] for step in steps_of(grpo.log)] == pytest.approx([0.5e-4, 0.0])  # logged after the update
    for step in steps_of(grpo.log):
        assert step["actor/pg_clipfrac"] == 0
        assert step["actor/kl_coef"] == pytest.approx(0.04)


@pytest.mark.long
def test_dapo_replaces_groups_without_variance(tmp_path, data):
    bound = 3
    log = train(
        *[tmp_path, data, *TWO_STEPS, "algo=dapo", f"algorithm.filter_groups.max_num_gen_batches={bound}"],
        *["visual_rft.reward='format=1'", "actor_rollout_ref.rollout.n=2"],  # 0 or 1: equal in half of the pairs
    )
    for step in steps_of(log):
        filtered, resampled, filled = (step[f"group/{name}"] for name in ("filtered", "resampled", "filled"))
        in_batch = step["group/zero_std_frac"] * PROMPTS
        assert in_batch == filled
        assert resampled <= (bound - 1) * PROMPTS
        assert resampled == filtered - filled  # one prompt for each group that was thrown away
        assert filled == 0 or resampled == (bound - 1) * PROMPTS
        assert step["rollout/missing_sessions"] == 0
        assert "actor/kl_loss" not in step
    assert sum(step["group/filtered"] for step in steps_of(log)) > 0


@pytest.mark.long
def test_dapo_goes_on_at_its_bound(tmp_path, data):
    log = train(
        *[tmp_path, data, *TWO_STEPS, "algo=dapo", "algorithm.filter_groups.max_num_gen_batches=2"],
        "visual_rft.reward='count=0'",  # always 0
    )
    for step in steps_of(log):
        assert step["group/filtered"] == 2 * PROMPTS
        assert step["group/resampled"] == step["group/filled"] == PROMPTS
        assert step["actor/grad_norm"] == 0


@pytest.mark.long
def test_gdpo_normalises_each_component(tmp_path, data):
    log = train(tmp_path, data, *TWO_STEPS, "algo=gdpo", f"trainer.rollout_data_dir={tmp_path}/rollouts")
    weights = load_reward("robust").weights_of("detection")
    for number, step in enumerate(steps_of(log), start=1):
        scores, groups = rollouts(tmp_path / "rollouts", number)
        by_component = component_advantages(scores, [weights] * len(scores), groups, 1e-4)
        assert set(by_component) == {"iou", "confidence", "format"}
        for name, advantages in by_component.items():
            assert step[f"advantage/{name}/abs_mean"] == pytest.approx(float(advantages.abs().mean()), abs=1e-4), name
        total = normalised_over_batch(torch.stack(list(by_component.values())).sum(0), 1e-4)
        assert step["critic/advantages/max"] == pytest.approx(float(total.max()), abs=1e-3)
        assert step["critic/advantages/min"] == pytest.approx(float(total.min()), abs=1e-3)


@pytest.mark.long
def test_dr_grpo_does_not_divide_by_the_spread(tmp_path, data):
    log = train(tmp_path, data, *TWO_STEPS, "algo=dr_grpo", f"trainer.rollout_data_dir={tmp_path}/rollouts")
    for number, step in enumerate(steps_of(log), start=1):
        scores, groups = rollouts(tmp_path / "rollouts", number)
        rewards = torch.tensor([s["score"] for s in scores])
        advantages = group_advantages(rewards, groups, 1e-4, by_std=False)
        assert step["critic/advantages/max"] == pytest.approx(float(advantages.max()), abs=1e-4)
        assert step["critic/advantages/min"] == pytest.approx(float(advantages.min()), abs=1e-4)
        assert "actor/kl_loss" not in step
