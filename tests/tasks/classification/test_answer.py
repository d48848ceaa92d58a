# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from any_text import READ, texts
from hypothesis import given

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks.classification import parse_classification

NO_ANSWER = "no answer outside the reasoning"
NO_TAGS = "no answer tags"
FENCE = "a code fence around it"
OTHER_CASE = "answer tags that are not in lower case"


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
        pytest.param("<think>rose</think> rose", "repaired", "rose", NO_TAGS, id="no tags"),
        pytest.param("<think>a</think> [rose]", "repaired", "[rose]", NO_TAGS, id="no tags, brackets"),
        pytest.param("<think>a</think> " + "a" * 201, "no_answer", "", NO_ANSWER, id="too long for a name"),
        pytest.param("<think><answer>rose</answer></think>", "no_answer", "", NO_ANSWER, id="in the reasoning"),
        pytest.param("rose", "repaired", "rose", NO_TAGS, id="nothing but a name"),
        pytest.param("It blooms.\nA rose.", "no_answer", "", NO_ANSWER, id="several lines"),
        pytest.param("<think>rose", "no_answer", "", NO_ANSWER, id="reasoning not closed"),
        pytest.param("<answer>```\nrose\n```</answer>", "repaired", "rose", FENCE, id="code fence"),
        pytest.param("<answer>```text\nrose```</answer>", "repaired", "rose", FENCE, id="code fence with a language"),
        pytest.param("```rose```", "repaired", "rose", f"{NO_TAGS}; {FENCE}", id="a code fence alone"),
        pytest.param("<answer>``````</answer>", "malformed", "", "the answer is empty", id="an empty code fence"),
        pytest.param("<Answer>rose</Answer>", "repaired", "rose", OTHER_CASE, id="another case"),
        pytest.param("", "no_answer", "", NO_ANSWER, id="empty response"),
    ],
)
def test_classification(response: str, outcome: str, label: str, reason: str) -> None:
    answer = parse_classification(response)
    assert (answer.outcome, answer.label, answer.reason) == (Outcome(outcome), label, reason)


@given(texts)
def test_any_text_gives_a_consistent_classification_answer(response: str) -> None:
    answer = parse_classification(response)
    assert answer.label == answer.label.strip()
    assert answer.label in response
    assert bool(answer.label) is (answer.outcome in READ)
    assert bool(answer.reason) is (answer.outcome is not Outcome.WELL_FORMED)
