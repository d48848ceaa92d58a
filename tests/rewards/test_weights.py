# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The weights that a reward declares are those of its total; GDPO relies on them."""

from itertools import product

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, score

TRUTHS = {
    "detection": {"boxes": [[0, 0, 100, 100], [500, 500, 700, 800]]},
    "classification": {"label": "rose", "labels": ["rose", "tulip"]},
    "grounding": {"box": [100, 100, 300, 300]},
}
ANSWERS = [
    "[{'Position': [0, 0, 100, 90], 'Confidence': 0.8}, {'Position': [5, 5, 9, 9], 'Confidence': 0.3}]",
    "No Objects",
    "rose",
    "(100,120),(300,310)",
    "",
]
RESPONSES = [f"<think> red petals </think><answer>{answer}</answer>" for answer in ANSWERS] + ["what?"]


@pytest.mark.parametrize(
    "reward", ["paper", "robust", "reference", "iou=1,confidence=0.25,format=2", "robust=2,format=1"]
)
def test_the_total_is_the_weighted_sum_of_the_components(reward):
    if reward == "reference":
        pytest.importorskip("math_verify")
    loaded = load_reward(reward)
    for (task, truth), response in product(TRUTHS.items(), RESPONSES):
        if task not in loaded.scorers:
            continue
        result = score(task, response, truth, reward)
        summed = sum(weight * result[name] for name, weight in loaded.weights_of(task).items())
        assert result["score"] == pytest.approx(summed), (task, response)


def test_a_reward_that_declares_none_says_so():
    with pytest.raises(UserError, match="reward 'iou' does not say which components a total for detection sums"):
        load_reward("iou").weights_of("detection")
