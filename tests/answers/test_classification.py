# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from verl_visual_rft.answers import Outcome, parse_classification

NO_ANSWER = "no answer outside the reasoning"


@pytest.mark.parametrize(
    ("response", "outcome", "label", "reason"),
    [
        pytest.param("<think>a</think> <answer>rose</answer>", "well_formed", "rose", "", id="as asked"),
        pytest.param(
            "<think>a</think>\n<answer>\n pink rose\n</answer>", "well_formed", "pink rose", "", id="white space"
        ),
        pytest.param("<answer> rose. </answer>", "well_formed", "rose.", "", id="taken as it stands"),
        pytest.param(
            "<answer>rose or tulip</answer>", "well_formed", "rose or tulip", "", id="judging is the reward's"
        ),
        pytest.param("<answer>a < b</answer>", "well_formed", "a < b", "", id="angle bracket"),
        pytest.param("<answer>tulip</answer><answer>rose</answer>", "well_formed", "rose", "", id="last answer counts"),
        pytest.param("<answer>rose", "repaired", "rose", "the answer tag is not closed", id="not closed"),
        pytest.param(
            "<think>a <answer>rose</answer>", "repaired", "rose", "the think tag is not closed", id="open think"
        ),
        pytest.param("<think>rose</think><answer></answer>", "malformed", "", "the answer is empty", id="empty"),
        pytest.param("<think>rose</think><answer>\n</answer>", "malformed", "", "the answer is empty", id="white only"),
        pytest.param("<think>rose</think><answer>", "malformed", "", "the answer is empty", id="cut off"),
        pytest.param("<think>rose</think> rose", "no_answer", "", NO_ANSWER, id="no tags"),
        pytest.param("<think>a</think> [rose]", "no_answer", "", NO_ANSWER, id="no tags, a list"),
        pytest.param("<think>a</think> No Objects", "no_answer", "", NO_ANSWER, id="no tags, no objects"),
        pytest.param("<think><answer>rose</answer></think>", "no_answer", "", NO_ANSWER, id="in the reasoning"),
        pytest.param("rose", "no_answer", "", NO_ANSWER, id="nothing but a name"),
        pytest.param("", "no_answer", "", NO_ANSWER, id="empty response"),
    ],
)
def test_classification(response: str, outcome: str, label: str, reason: str) -> None:
    answer = parse_classification(response)
    assert (answer.outcome, answer.label, answer.reason) == (Outcome(outcome), label, reason)
