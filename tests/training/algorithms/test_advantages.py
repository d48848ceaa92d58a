# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from omegaconf import OmegaConf  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.training.algorithms.advantages import (  # noqa: E402
    advantages_of_batch,
    component_advantages,
    group_advantages,
    normalised_over_batch,
    register_advantages,
)

finite = st.floats(-10, 10, width=32)


@given(st.lists(st.lists(finite, min_size=2, max_size=9), min_size=1, max_size=5), st.sampled_from([1e-6, 1e-4, 0.1]))
def test_each_group_is_compared_with_itself(groups, epsilon):
    scores = [score for group in groups for score in group]
    names = [f"g{i}" for i, group in enumerate(groups) for _ in group]
    expected = [
        (score - statistics.fmean(group)) / (statistics.stdev(group) + epsilon) for group in groups for score in group
    ]
    assert group_advantages(torch.tensor(scores), names, epsilon).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([3, 1, 1, 1, 1, 1, 1, 1], [2.4745] + [-0.3535] * 7),  # the published code's values
        ([0.1] * 7, [0.0] * 7),
        ([5.0], [0.0]),
    ],
)
def test_known_groups(scores, expected):
    result = group_advantages(torch.tensor([float(s) for s in scores]), ["a"] * len(scores), 1e-4)
    assert result.tolist() == pytest.approx(expected, abs=1e-4)


def test_the_order_of_groups_does_not_matter():
    scores, groups = torch.tensor([1.0, 10.0, 2.0, 30.0]), ["a", "b", "a", "b"]
    mixed = group_advantages(scores, groups, 1e-4)
    sorted_ = group_advantages(scores[[0, 2, 1, 3]], ["a", "a", "b", "b"], 1e-4)
    assert mixed.tolist() == sorted_[[0, 2, 1, 3]].tolist()


def test_dr_grpo_does_not_divide():
    assert group_advantages(torch.tensor([1.0, 3.0]), "aa", 1e-4, by_std=False).tolist() == [-1.0, 1.0]


WEIGHTS = {"iou": 2.0, "format": 0.5}


def test_gdpo_a_component_of_small_spread_counts_as_much_as_its_weight_says():
    components = [{"iou": 0.0, "format": 0.0}, {"iou": 0.01, "format": 1.0}, {"iou": 0.02, "format": 0.0}]
    by_component = component_advantages(components, [WEIGHTS] * 3, "aaa", 1e-6)
    std = 0.01
    assert by_component["iou"].tolist() == pytest.approx([-2 * 0.01 / std, 0, 2 * 0.01 / std], abs=1e-3)
    third = 0.5 / math.sqrt(1 / 3)
    assert by_component["format"].tolist() == pytest.approx([-third / 3, 2 * third / 3, -third / 3], abs=1e-3)
    # GRPO on the sum prefers the second, which is better in format alone; GDPO the third, better in what counts.
    summed = torch.tensor([2 * c["iou"] + 0.5 * c["format"] for c in components])
    assert group_advantages(summed, "aaa", 1e-6).argmax() == 1
    assert sum(by_component.values()).argmax() == 2


def test_gdpo_tasks_with_different_components_share_a_batch():
    components = [{"iou": 0.1}, {"iou": 0.3}, {"accuracy": 0.0}, {"accuracy": 1.0}]
    weights = [{"iou": 1.0}] * 2 + [{"accuracy": 1.0}] * 2
    by_component = component_advantages(components, weights, "aabb", 1e-6)
    assert by_component["iou"].tolist() == pytest.approx([-0.7071, 0.7071, 0, 0], abs=1e-4)
    assert by_component["accuracy"].tolist() == pytest.approx([0, 0, -0.7071, 0.7071], abs=1e-4)


def test_gdpo_a_component_that_is_declared_but_missing_is_named():
    with pytest.raises(UserError, match="'iou' but did not return it"):
        component_advantages([{"format": 1.0}], [WEIGHTS], "a", 1e-4)


def test_gdpo_over_the_batch_mean_0_and_deviation_1():
    result = normalised_over_batch(torch.tensor([1.0, 2.0, 6.0]), 0.0)
    assert (result.mean().item(), result.std().item()) == pytest.approx((0, 1), abs=1e-6)
    assert normalised_over_batch(torch.tensor([3.0]), 1e-4).tolist() == [0.0]


@pytest.fixture(scope="module")
def estimators():
    from verl.trainer.ppo import core_algos

    register_advantages(core_algos)  # again: veRL takes the same function twice
    return core_algos


def test_veRL_calls_ours_with_the_epsilon_of_the_configuration(estimators):
    rewards = torch.tensor([[0.0, 0.0, 3.0], [0.0, 1.0, 0.0]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    config = OmegaConf.create({"grpo_epsilon": 0.5, "norm_adv_by_std_in_grpo": True})
    estimate = estimators.get_adv_estimator_fn("visual_rft_grpo")
    advantages, returns = estimate(token_level_rewards=rewards, response_mask=mask, index=["a", "a"], config=config)
    a = 1 / (math.sqrt(2) + 0.5)
    assert advantages.flatten().tolist() == pytest.approx([a, a, a, -a, -a, 0.0])
    assert torch.equal(advantages, returns)


def test_with_veRLs_epsilon_ours_is_veRLs_own(estimators):
    rewards, index = torch.rand(8, 1), ["a"] * 4 + ["b"] * 4
    config = OmegaConf.create({"grpo_epsilon": 1e-6, "norm_adv_by_std_in_grpo": True})
    arguments = {"token_level_rewards": rewards, "response_mask": torch.ones(8, 1), "index": index, "config": config}
    ours, _ = estimators.get_adv_estimator_fn("visual_rft_grpo")(**arguments)
    theirs, _ = estimators.get_adv_estimator_fn("grpo")(**arguments)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_gdpo_hands_its_advantages_through_veRL(estimators):
    with advantages_of_batch(torch.tensor([2.0, -2.0])):
        mask = torch.tensor([[1, 0], [1, 1]])
        advantages, _ = estimators.get_adv_estimator_fn("visual_rft_gdpo")(
            token_level_rewards=torch.zeros(2, 2), response_mask=mask, config=None, index=["a", "a"]
        )
    assert advantages.tolist() == [[2.0, 0.0], [-2.0, -2.0]]
