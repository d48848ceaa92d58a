# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from any_text import READ, texts
from hypothesis import given

from verl_visual_rft.answers import Outcome
from verl_visual_rft.answers.notations import MAX_BOXES
from verl_visual_rft.tasks.grounding import parse_grounding

BOX = (10.0, 20.0, 300.0, 400.0)
POSITION = "{'Position': [10, 20, 300, 400], 'Confidence': 0.9}"
AROUND = "text around the box"
FENCE = "a code fence around it"
LOOSE = "corners with decimals, with signs or without a comma between"
WIDE = "full-width punctuation"
AS_OBJECT = "the box is written as an object"


def answered(body: str) -> str:
    return f"<think> I see it. </think> <answer>{body}</answer>"


@pytest.mark.parametrize(
    "body",
    ["(10,20),(300,400)", " (10,20),(300,400) ", "(10, 20), (300, 400)", "\n( 10 , 20 ) ,\n\t( 300 , 400 )\n"],
)
def test_well_formed(body: str) -> None:
    answer = parse_grounding(answered(body))
    assert (answer.outcome, answer.reason, answer.box) == (Outcome.WELL_FORMED, "", BOX)


def test_the_corners_of_the_grid_are_inside() -> None:
    assert parse_grounding(answered("(0,0),(1000,1000)")).box == (0, 0, 1000, 1000)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        pytest.param(answered("The box is (10,20),(300,400)."), AROUND, id="prose"),
        pytest.param(answered("(10,20),(300,400))"), AROUND, id="surplus bracket as in the published prompt"),
        pytest.param(answered("[(10,20),(300,400)]"), AROUND, id="in a list"),
        pytest.param(answered("<|box_start|>(10,20),(300,400)<|box_end|>"), AROUND, id="Qwen2-VL's tokens"),
        pytest.param(answered('[{"bbox_2d": [10, 20, 300, 400], "label": "cup"}]'), AS_OBJECT, id="bbox_2d"),
        pytest.param(answered(f"```json\n[{POSITION}]\n```"), f"{FENCE}; {AS_OBJECT}", id="code fence"),
        pytest.param(answered("```(10,20),(300,400)```"), FENCE, id="code fence around a pair"),
        pytest.param(answered("(10.0,20.0),(300.0,400.0)"), LOOSE, id="decimals"),
        pytest.param(answered("at (10.0, 20),(300,400)."), LOOSE, id="decimals in prose"),
        pytest.param(answered("(10,20)(300,400)"), LOOSE, id="no comma between"),
        pytest.param(answered("(10,20) (300,400)"), LOOSE, id="white space between"),
        pytest.param(answered("\uff0810\uff0c20\uff09\uff0c\uff08300\uff0c400\uff09"), WIDE, id="full-width"),
        pytest.param("<think>a</think> \uff0810\uff0c20\uff09(300,400)", f"no answer tags; {WIDE}; {LOOSE}", id="all"),
        pytest.param(answered('{"bbox_2d": ["10", "20", "300", "400"]}'), AS_OBJECT, id="numbers in quotes"),
        pytest.param(answered('{"bbox_2d": [10, 20, 300, 400], "label": "(1,2),(3,4"}'), AS_OBJECT, id="half a label"),
        pytest.param(answered(POSITION), AS_OBJECT, id="bare Position"),
        pytest.param("<answer>(10,20),(300,400)", "the answer tag is not closed", id="answer not closed"),
        pytest.param("<think>a <answer>(10,20),(300,400)</answer>", "the think tag is not closed", id="open thinking"),
        pytest.param("<think>a</think> (10,20),(300,400)", "no answer tags", id="no tags"),
        pytest.param(f"<think>a</think> [{POSITION}]", f"no answer tags; {AS_OBJECT}", id="no tags, as a list"),
    ],
)
def test_repaired(response: str, reason: str) -> None:
    answer = parse_grounding(response)
    assert (answer.outcome, answer.reason, answer.box) == (Outcome.REPAIRED, reason, BOX)


@pytest.mark.parametrize(
    ("body", "box"),
    [
        ("(0,0),(1001,1000)", (0, 0, 1000, 1000)),
        ("(-1,-10),(300,1010)", (0, 0, 300, 1000)),
        ("(10,20),(1000.5,400)", (10, 20, 1000, 400)),
    ],
)
def test_a_corner_a_little_outside_is_moved_to_the_edge(body: str, box: tuple[float, ...]) -> None:
    answer = parse_grounding(answered(body))
    assert (answer.outcome, answer.box) == (Outcome.REPAIRED, box)
    assert answer.reason.endswith("clipped to the picture")


@pytest.mark.parametrize(
    ("body", "n_boxes", "invalid"),
    [
        pytest.param("", 0, 0, id="empty"),
        pytest.param("No Objects", 0, 0, id="there is always something"),
        pytest.param("[400, 400, 600, 600]", 0, 0, id="bare list, on purpose"),
        pytest.param("(400,400,600,600)", 0, 0, id="one pair of brackets"),
        pytest.param("(x1,y1),(x2,y2)", 0, 0, id="template"),
        pytest.param("(10,20)", 0, 0, id="one corner"),
        pytest.param("(-11,20),(300,400)", 1, 1, id="negative"),
        pytest.param("(1.2.3,20),(300,400)", 0, 0, id="no number"),
        pytest.param("(\u0661,20),(300,400)", 0, 0, id="digits of another script"),
        pytest.param("(999,999),(1,1)", 1, 1, id="inverted"),
        pytest.param("(999,400),(1,600)", 1, 1, id="inverted on one axis"),
        pytest.param("(400,400),(400,600)", 1, 1, id="no area"),
        pytest.param("(0,0),(1011,1000)", 1, 1, id="out of range"),
        pytest.param("(0,0),(" + "9" * 60 + ",1)", 1, 1, id="far out of range"),
        pytest.param("(10,20),(300,400),(10,20),(300,400)", 2, 0, id="the same twice"),
        pytest.param("(10,20),(300,400) or (1,2),(3,4)", 2, 0, id="a second guess"),
        pytest.param("(10,20),(300,400) or (3,4),(1,2)", 2, 1, id="a second guess that is not valid"),
        pytest.param(f"[{POSITION}, {POSITION}]", 2, 0, id="two objects"),
        pytest.param("{'bbox_2d': [10, 20, 300]}", 1, 1, id="an object that is no box"),
    ],
)
def test_malformed(body: str, n_boxes: int, invalid: int) -> None:
    answer = parse_grounding(answered(body))
    assert (answer.outcome, answer.box, answer.n_boxes, answer.invalid) == (Outcome.MALFORMED, None, n_boxes, invalid)
    assert answer.reason == (f"{n_boxes} boxes, {invalid} of them invalid" if n_boxes else "no box in a known notation")


@pytest.mark.parametrize(
    "response",
    [
        "",
        "The cup is left.",
        "at (10,20),(300,400)",
        "<think> (10,20),(300,400) </think>",
        "<think> <answer>(10,20),(300,400)</answer> </think>",
        "<think> (10,20),(300,400)",
        "<think>a</think> No Objects",
        "<think>a</think> (left)",
    ],
)
def test_no_answer(response: str) -> None:
    answer = parse_grounding(response)
    assert (answer.outcome, answer.box, answer.n_boxes) == (Outcome.NO_ANSWER, None, 0)


def test_coordinates_may_end_elsewhere_than_at_1000() -> None:
    response = answered("(10,20),(1200,400)")
    assert parse_grounding(response, extent=(1280, 720)).box == (10, 20, 1200, 400)
    assert parse_grounding(response, extent=(1280, 360)).box is None
    assert parse_grounding(response).box is None


def test_a_flood_is_counted_but_not_read() -> None:
    answer = parse_grounding(answered(",".join(["(1,2),(3,4)"] * 1000)))
    assert (len(answer.boxes), answer.n_boxes, answer.box) == (MAX_BOXES, 1000, None)


@given(texts)
def test_any_text_gives_a_consistent_grounding_answer(response: str) -> None:
    answer = parse_grounding(response)
    for x1, y1, x2, y2 in answer.boxes:
        assert 0 <= x1 < x2 <= 1000
        assert 0 <= y1 < y2 <= 1000
    assert (answer.box is not None) is (answer.outcome in READ)
    assert bool(answer.reason) is (answer.outcome is not Outcome.WELL_FORMED)
    assert answer.outcome is not Outcome.NO_ANSWER or answer.n_boxes == 0
