# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.rewards.curriculum import FIRST, LAST, tau_at
from verl_visual_rft.tasks.detection.rewards import ROBUST_IOU as IOU_THRESHOLD

TRUTH = {"boxes": [[0, 0, 100, 100]]}
RESPONSE = "<think> a cat </think> <answer>[{'Position': [0, 0, 100, 70], 'Confidence': 0.7}]</answer>"  # IoU 0.7


@given(total=st.integers(2, 10_000), data=st.data())
def test_tau_rises_evenly_from_first_to_last_and_stays(total: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(1, total - 1))
    assert tau_at(1, total) == FIRST
    assert tau_at(total, total) == tau_at(total + 7, total) == pytest.approx(LAST)
    assert tau_at(step + 1, total) - tau_at(step, total) == pytest.approx((LAST - FIRST) / (total - 1))


def test_a_run_of_one_step_has_the_first_tau() -> None:
    assert tau_at(1, 1) == FIRST


@pytest.mark.parametrize(("step", "total"), [(0, 5), (-1, 5), (1, 0)])
def test_steps_count_from_1(step: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"step {step} of {total}"):
        tau_at(step, total)


@pytest.mark.parametrize(
    ("reward", "own"), [("robust", IOU_THRESHOLD), ("paper", 0.5), ("iou=1", 0.5), ("f1=1", 0.5), ("robust=1", 0.1)]
)
def test_a_reward_with_a_tau_follows_the_one_that_is_prescribed(reward: str, own: float) -> None:
    assert load_reward(reward).follows_tau
    unprescribed, at_its_own, reached, missed = (
        score("detection", RESPONSE, TRUTH, reward, tau=tau) for tau in (None, own, 0.7, 0.71)
    )
    assert unprescribed == at_its_own == reached
    assert missed["score"] < reached["score"]


@pytest.mark.parametrize("reward", ["giou", "format=1,count=1", "accuracy_equal"])
def test_a_reward_without_a_tau_says_so(reward: str) -> None:
    assert not load_reward(reward).follows_tau


def test_an_option_of_a_component_gives_way_to_the_curriculum() -> None:
    strict = {"iou": {"weight": 1, "threshold": 0.8}}
    assert score("detection", RESPONSE, TRUTH, strict)["iou"] == 0
    assert score("detection", RESPONSE, TRUTH, strict, tau=0.6)["iou"] == pytest.approx(0.7)
