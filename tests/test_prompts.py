# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks.classification import parse_classification
from verl_visual_rft.tasks.classification.prompt import classification_answer, classification_prompt
from verl_visual_rft.tasks.detection.prompt import detection_prompt
from verl_visual_rft.tasks.grounding import parse_grounding
from verl_visual_rft.tasks.grounding.prompt import grounding_answer, grounding_prompt


@pytest.mark.parametrize(
    "prompt",
    [
        detection_prompt("cat", think=False),
        classification_prompt("a car", "the model of the car", think=False),
        grounding_prompt("the cat", think=False),
    ],
)
def test_without_thinking_nothing_asks_for_it(prompt):
    assert "think" not in prompt
    assert "<answer>" in prompt


@pytest.mark.parametrize("thinking", [None, "I see."])
def test_names_and_single_boxes_are_read_back(thinking):
    named = parse_classification(classification_answer("F-16A/B", thinking))
    assert (named.outcome, named.label) == (Outcome.WELL_FORMED, "F-16A/B")
    located = parse_grounding(grounding_answer([(1, 2, 3, 4)], thinking))
    assert (located.outcome, located.box) == (Outcome.WELL_FORMED, (1, 2, 3, 4))
