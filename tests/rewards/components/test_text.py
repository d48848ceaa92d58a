# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.tasks.form import is_reasoning

ANSWERS = {
    "detection": ("[{'Position': [1, 2, 3, 4], 'Confidence': 0.5}]", {"boxes": [[1, 2, 3, 4]]}),
    "classification": ("rose", {"label": "rose"}),
    "grounding": ("(1,2),(3,4)", {"box": [1, 2, 3, 4]}),
}


def text_score(component: str, thinking: str, task: str = "grounding", **options: Any) -> float:
    answer, truth = ANSWERS[task]
    response = f"<think>{thinking}</think> <answer>{answer}</answer>"
    return score(task, response, truth, {component: {"weight": 1, **options}})[component]


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ("The cat is on the left.", True),
        ("left", True),
        ("ein Hund", True),
        ("\u72ac", True),
        ("thinking about the cat", True),
        ("", False),
        (" \n ", False),
        ("...", False),
        ("\u2026", False),
        (" . . . ", False),
        ("-- !? [ ]", False),
        ("1 2 3", False),
        ("thinking process", False),
        ("The thinking process...", False),
        ("reasoning process here", False),
        ("Your thinking process", False),
        ("[your reasoning goes here]", False),
        ("step-by-step reasoning", False),
        ("thinking process thinking process", False),
        ("{thought}", False),
        ("_reasoning_", False),
        ("Output the thinking process in and final answer in tags.", False),
        ("Please strictly follow the format.", False),
    ],
)
def test_is_reasoning(thinking: str, expected: bool) -> None:
    assert is_reasoning(thinking) is expected


@pytest.mark.parametrize("task", ANSWERS)
def test_format(task: str) -> None:
    assert text_score("format", "it is on the left", task) == 1
    assert text_score("format", " ... ", task) == 0


@pytest.mark.parametrize("task", ANSWERS)
@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param("<answer>{}</answer>", 1, id="the answer alone"),
        pytest.param("\n <answer> {} </answer>\n", 1, id="outer white space"),
        pytest.param("<think> on the left </think> <answer>{}</answer>", 0, id="reasoning that nobody asked for"),
        pytest.param("<think></think><answer>{}</answer>", 0, id="empty think tags"),
        pytest.param("<answer><think> on the left </think> {}</answer>", 0, id="reasoning in the answer"),
        pytest.param("<answer>{}</answer> <answer>{}</answer>", 0, id="two answers"),
        pytest.param("Sure! <answer>{}</answer>", 0, id="text before"),
        pytest.param("{}", 0, id="no tags"),
        pytest.param("", 0, id="empty"),
    ],
)
def test_where_the_prompt_asks_for_the_answer_alone_the_format_is_that(
    task: str, response: str, expected: float
) -> None:
    answer, truth = ANSWERS[task]
    written = response.replace("{}", answer)
    for reward in ("format", "robust", "paper"):
        result = score(task, written, {**truth, "think": False}, reward)
        assert (result["score"] if reward == "format" else result["format"]) == expected


@pytest.mark.parametrize(
    ("thinking", "options", "expected"),
    [
        ("", {}, 0),
        ("left " * 25, {}, 0.5),
        ("left " * 50, {}, 1),
        ("left " * 500, {}, 1),
        ("one two", {"target": 4}, 0.5),
        ("one", {"target": 1}, 1),
    ],
)
def test_thinking_length(thinking: str, options: dict[str, int], expected: float) -> None:
    assert text_score("thinking_length", thinking, **options) == expected


@pytest.mark.parametrize(
    ("thinking", "options", "expected"),
    [
        ("", {}, 1),
        ("too short now", {}, 1),
        ("a b c d e f", {}, 1),
        ("a b c d a b c d", {}, 0.8),
        ("A b c d a B c d", {}, 0.8),
        ("a a a a a", {}, 0.5),
        ("a a a a a", {"n": 1}, 0.2),
        ("a b a b", {"n": 2}, 2 / 3),
    ],
)
def test_repetition(thinking: str, options: dict[str, int], expected: float) -> None:
    assert text_score("repetition", thinking, **options) == pytest.approx(expected)


@pytest.mark.parametrize(("component", "option"), [("thinking_length", "target"), ("repetition", "n")])
@pytest.mark.parametrize("value", [0, -1, 2.5, "3", True, None])
def test_options_that_are_none_are_errors(component: str, option: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"'{option}' of component '{component}'"):
        load_reward({component: {"weight": 1, option: value}})


@pytest.mark.parametrize("component", ["format", "thinking_length", "repetition"])
@given(
    response=st.text(max_size=80) | st.text(max_size=80).map(lambda text: f"<think>{text}</think><answer>x</answer>")
)
def test_any_text_is_scored_within_bounds(component: str, response: str) -> None:
    for task, (_, truth) in ANSWERS.items():
        assert 0 <= score(task, response, truth, component)["score"] <= 1


@pytest.mark.parametrize("junk", ["the ", "a b ", "1", "\u2026 ", "<think>", "word"])
def test_long_junk_is_quick(junk: str) -> None:
    response = f"<think>{junk * (65536 // len(junk))}</think> <answer>rose</answer>"
    start = time.process_time()
    score("classification", response, {"label": "rose"}, "format=1,thinking_length=1,repetition=1")
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("unit", ["a ", "the ", "1 2 3 ", "<a", "\u0130", "rose ", "left of it ", "\u540d", "\ud800 "])
@pytest.mark.parametrize("component", ["format", "thinking_length", "repetition"])
def test_long_reasoning_takes_no_longer_than_it_is(component: str, unit: str) -> None:
    small, large = (fastest(component, (unit * size)[:size]) for size in (1 << 16, 1 << 20))
    assert small < 0.01 and large < 20 * 0.01


def fastest(component: str, thinking: str) -> float:
    """Seconds of processor time of the fastest of a few."""
    times = []
    for _ in range(5):
        start = time.process_time()
        text_score(component, thinking)
        times.append(time.process_time() - start)
    return min(times)
