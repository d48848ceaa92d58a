# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How points are read."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.answers import Outcome
from verl_visual_rft.answers.points import MAX_POINTS
from verl_visual_rft.tasks.pointing import parse_pointing
from verl_visual_rft.tasks.pointing.prompt import pointing_answer, pointing_prompt

ONE = '{"point_2d": [10, 20]}'
TWO = '{"point_2d": [30.5, 40], "label": "the left one"}'
FENCE = "a code fence around it"
OTHER_KEY = "points under another key than point_2d"
NO_KEY = "points without a key"
NO_LIST = "no list around the points"
PAIRS = "points written as (x, y)"
NOT_PLAIN = "not a plain list of point_2d"


def answered(body: str) -> str:
    return f"<think> I see it. </think> <answer>{body}</answer>"


@pytest.mark.parametrize(
    ("body", "points"),
    [
        (f"[{ONE}]", [(10, 20)]),
        (f"[{ONE}, {TWO}]", [(10, 20), (30.5, 40)]),
        (f" [ {ONE} ,\n{TWO} ]\n", [(10, 20), (30.5, 40)]),
        (f"[{ONE}]".replace('"', "'"), [(10, 20)]),
        ('[{"label": "point_2d: [1, 2]", "point_2d": [0, 1000]}]', [(0, 1000)]),
    ],
)
def test_well_formed(body: str, points: list[tuple[float, float]]) -> None:
    answer = parse_pointing(answered(body))
    assert (answer.outcome, answer.reason, answer.invalid, list(answer.points)) == (Outcome.WELL_FORMED, "", 0, points)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        pytest.param(answered(ONE), NO_LIST, id="one object"),
        pytest.param(answered(f"```json\n[{ONE}]\n```"), FENCE, id="code fence"),
        pytest.param(answered('[{"point": [10, 20]}]'), OTHER_KEY, id="point"),
        pytest.param(answered('{"coordinates": [10, 20]}'), OTHER_KEY, id="coordinates"),
        pytest.param(answered('{"x": 10, "y": 20}'), OTHER_KEY, id="x and y"),
        pytest.param(answered('{"point_2d": {"x": 10, "y": 20}}'), NO_LIST, id="x and y under the key"),
        pytest.param(answered('[{"points": [[10, 20]]}]'), OTHER_KEY, id="a list under the key"),
        pytest.param(answered(f'{{"objects": [{ONE}]}}'), NO_LIST, id="a wrapper"),
        pytest.param(answered('[{"point_2d": ["10", "20"]}]'), NOT_PLAIN, id="numbers in quotes"),
        pytest.param(answered('[{"point_2d": [10, 20], "confidence": 0.9}]'), NOT_PLAIN, id="a key more"),
        pytest.param(answered('[{"point_2d": (10, 20)}]'), NOT_PLAIN, id="parentheses under the key"),
        pytest.param(answered(f"[{ONE}"), "the list does not end with its bracket", id="no bracket at the end"),
        pytest.param(answered(f'[{ONE}, {{"point_2d": [3'), "the list does not end with its bracket", id="cut off"),
        pytest.param(answered(f"[{ONE}, ...]"), "dots copied from the prompt", id="dots"),
        pytest.param(answered(f"It is [{ONE}]."), "text before the list", id="prose"),
        pytest.param(answered("(10, 20)"), PAIRS, id="parentheses"),
        pytest.param(answered("at (10.0,20)"), PAIRS, id="parentheses in prose"),
        pytest.param(answered("<|box_start|>(10,20)<|box_end|>"), PAIRS, id="tokens around it"),
        pytest.param(answered("[10, 20]"), NO_KEY, id="bare list"),
        pytest.param(answered("[[10, 20]]"), NO_KEY, id="list of lists"),
        pytest.param(answered("\uff0810\uff0c20\uff09"), f"full-width punctuation; {PAIRS}", id="full-width"),
        pytest.param("<think>a</think> (10, 20)", f"no answer tags; {PAIRS}", id="no tags"),
        pytest.param(f"<answer>[{ONE}]", "the answer tag is not closed", id="open answer"),
    ],
)
def test_repaired(response: str, reason: str) -> None:
    answer = parse_pointing(response)
    assert (answer.outcome, answer.reason, answer.points) == (Outcome.REPAIRED, reason, ((10, 20),))


@pytest.mark.parametrize("body", ["No Objects", "[]", "no objects.", '{"points": []}', "**None**"])
def test_nothing(body: str) -> None:
    answer = parse_pointing(answered(body))
    assert (answer.outcome, answer.n_points) == (Outcome.NO_OBJECTS, 0)
    assert parse_pointing("<think>a</think> No Objects").outcome is Outcome.NO_OBJECTS


@pytest.mark.parametrize(
    ("body", "invalid"),
    [
        ("", 0),
        ("the left one", 0),
        ("[10, 20, 30, 40]", 0),
        ('[{"bbox_2d": [10, 20, 30, 40]}]', 1),
        ('[{"point_2d": [10, 20, 30, 40]}]', 1),
        ('[{"point_2d": [x, y]}, ...]', 1),
        ('[{"point_2d": [10, 1200]}]', 1),
        ('[{"point_2d": [NaN, 5]}]', 1),
        ('[{"point_2d": [true, 5]}]', 1),
        ('[{"label": "here"}]', 1),
        ("(-50, 20)", 1),
    ],
)
def test_malformed(body: str, invalid: int) -> None:
    answer = parse_pointing(answered(body))
    assert (answer.outcome, answer.invalid, answer.points) == (Outcome.MALFORMED, invalid, ())
    assert answer.reason


def test_points_just_outside_are_moved_to_the_edge_and_others_stay() -> None:
    answer = parse_pointing(answered('[{"point_2d": [-3, 1004]}, {"point_2d": [5, 5]}, {"point_2d": [2000, 5]}]'))
    assert (answer.outcome, answer.points, answer.invalid) == (Outcome.REPAIRED, ((0, 1000), (5, 5)), 1)
    assert answer.reason == "1 of 3 points clipped to the picture; 1 of 3 points invalid"


def test_the_extent_is_the_answers() -> None:
    assert parse_pointing(answered('[{"point_2d": [1500, 20]}]'), (1600, 900)).points == ((1500, 20),)


def test_text_in_the_reasoning_is_no_answer() -> None:
    assert parse_pointing(f"<think> [{ONE}] </think>").outcome is Outcome.NO_ANSWER


def test_a_flood_is_read_in_part_and_counted_as_a_whole() -> None:
    answer = parse_pointing(answered(f"[{', '.join([ONE] * (MAX_POINTS + 7))}]"))
    assert (len(answer.points), answer.invalid) == (MAX_POINTS, 7)


FRAGMENTS = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        ONE,
        TWO,
        "point_2d",
        "[",
        "]",
        "{",
        "}",
        '"',
        "'",
        ":",
        ",",
        "(10",
    ]
    + ["20)", "NaN", "No Objects", "\\", "1e999", "(1, 2)", '{"x": 1, "y": 2}', "[[1, 2], [3, 4]]"]
)
TEXTS = st.one_of(
    st.text(), st.lists(FRAGMENTS | st.text(max_size=3), max_size=25).map("".join).map(lambda body: f"<answer>{body}")
)


@given(TEXTS)
def test_any_text_gives_a_consistent_answer(response: str) -> None:
    answer = parse_pointing(response)
    assert all(0 <= x <= 1000 and 0 <= y <= 1000 for x, y in answer.points)
    assert bool(answer.points) is (answer.outcome in (Outcome.WELL_FORMED, Outcome.REPAIRED))
    assert answer.invalid == 0 or answer.outcome in (Outcome.REPAIRED, Outcome.MALFORMED)
    assert bool(answer.reason) or answer.outcome in (Outcome.WELL_FORMED, Outcome.NO_OBJECTS)
    assert not answer.reason or answer.outcome is not Outcome.WELL_FORMED


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), max_size=20), st.none() | st.just("there"))
def test_what_we_write_is_read_back(points: list[tuple[int, int]], thinking: str | None) -> None:
    answer = parse_pointing(pointing_answer(points, thinking), think=thinking is not None)
    assert list(answer.points) == points and answer.has_format
    assert answer.outcome is (Outcome.WELL_FORMED if points else Outcome.NO_OBJECTS)


def test_a_cut_keeps_whole_points() -> None:
    rng = random.Random(0)
    points = [(rng.randint(0, 1000), rng.randint(0, 1000)) for _ in range(10)]
    listed = pointing_answer(points).removesuffix("]</answer>")
    for end in range(len("<answer>["), len(listed)):
        read = parse_pointing(listed[:end])
        assert list(read.points) == points[: len(read.points)] and not read.invalid
        assert len(read.points) >= listed[:end].count("}")


@pytest.mark.parametrize("think", [True, False])
@pytest.mark.parametrize("pixels", [True, False])
def test_the_prompt_asks_for_what_it_is_told(think: bool, pixels: bool) -> None:
    prompt = pointing_prompt("the {odd} one", think, pixels)
    assert "the {odd} one\n" in prompt and '<answer>[{"point_2d": [x, y]}, ...]</answer>' in prompt
    assert ("<think>" in prompt) is think
    assert ("1000" in prompt) is not pixels and ("in pixels" in prompt) is pixels
