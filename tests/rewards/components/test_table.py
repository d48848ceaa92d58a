# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ours import OUR_COMPONENTS as COMPONENTS

from verl_visual_rft.rewards import load_reward, score

TRUTHS = {
    "detection": [{"boxes": [[1, 2, 300, 400]]}, {"boxes": []}],
    "classification": [{"label": "rose", "labels": ["rose", "tulip"]}, {"label": "tulip"}],
    "grounding": [{"box": [1, 2, 300, 400]}, {"boxes": []}, {"boxes": [[1, 2, 3, 4], [5, 6, 300, 400]]}],
    "counting": [{"count": 3}, {"count": 0}],
    "pointing": [{"targets": [{"box": [1, 2, 300, 400]}]}, {"targets": []}],
    "labelled_detection": [
        {"categories": ["rose", "tulip"], "objects": [{"bbox_2d": [1, 2, 3, 4], "label": "rose"}]},
        {"categories": ["rose"], "objects": []},
    ],
}
DETECTION, LABELLED = {"detection"}, {"labelled_detection"}
BOXES = {"detection", "grounding"}
EXPECTED = {
    "iou": BOXES | LABELLED,
    **dict.fromkeys(["giou", "diou", "ciou", "l1"], BOXES),
    **dict.fromkeys(["f1", "confidence"], DETECTION | LABELLED),
    **dict.fromkeys(["ap", "count"], DETECTION),
    **dict.fromkeys(["placement", "naming", "max_iou"], LABELLED),
    **dict.fromkeys(["accuracy_equal", "accuracy_closed_set", "accuracy_contains"], {"classification"}),
    **dict.fromkeys(["exact", "closeness"], {"counting"}),
    **dict.fromkeys(["hit", "gaussian"], {"pointing"}),
    **dict.fromkeys(["format", "thinking_length", "repetition"], {*TRUTHS}),
}
LOWEST = {"confidence": -1.0}  # 0 for all others
JUNK = ["<think>", "</think>", "<answer>", "</answer>", "[", "{", "'Position': [1, 2, 3, 4]", "'Confidence': 0.5", "}"]
JUNK += ['"bbox_2d": [1, 2, 3, 4]', '"label": "rose"', '"confidence": 0.5']
JUNK += ["]", ", ", "rose", "tulip", "(1,2),(3,4)", "No Objects", "NaN", "-1e999", " ", "...", "\u72ac"]


def test_the_table_names_the_components_and_their_tasks() -> None:
    assert {name: {*load_reward(name).scorers} & {*TRUTHS} for name in COMPONENTS} == EXPECTED


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_says_what_it_is_and_between_what_bounds(name: str) -> None:
    reward = load_reward(name)
    assert reward.guarded.isdisjoint(TRUTHS) and reward.summary.endswith(".")
    assert all(reward.documents[task] for task in reward.scorers)
    assert set(reward.ranges.values()) == {(LOWEST.get(name, 0.0), 1.0)}


@pytest.mark.parametrize("name", COMPONENTS)
@given(response=st.lists(st.sampled_from(JUNK), max_size=14).map("".join))
def test_any_response_scores_within_bounds(name: str, response: str) -> None:
    reward = load_reward(name)
    for task in EXPECTED[name]:
        for truth in TRUTHS[task]:
            value = score(task, response, truth, reward)["score"]
            assert math.isfinite(value) and LOWEST.get(name, 0.0) <= value <= 1
