# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from verl_visual_rft.answers import Outcome
from verl_visual_rft.answers.notations import MAX_BOXES
from verl_visual_rft.tasks.detection import Detection, parse_detection

ONE = "{'Position': [1, 2, 30, 40], 'Confidence': 0.9}"
TWO = "{'Position': [500, 600, 700, 800], 'Confidence': 0.25}"
FIRST = Detection((1, 2, 30, 40), 0.9)
SECOND = Detection((500, 600, 700, 800), 0.25)
UNSURE = Detection((1, 2, 30, 40), None)

CUT = "the list does not end with its bracket"
DOTS = "dots copied from the prompt"
KEYS = "boxes under another key than Position"
NO_LIST = "no list around the boxes"
BEFORE = "text before the list"
FENCE = "a code fence around it"
QUOTES = "single and double quotes mixed"
QUOTED = "a confidence in quotes"
BRACKETS = "square brackets do not match"
BRACES = "braces do not match"
OTHER = "not a plain list of Position and Confidence"
PAIRS = "boxes written as pairs of corners"
NO_CONFIDENCE = "1 of 1 boxes without a valid confidence"


def answered(body: str) -> str:
    return f"<think> I see it. </think> <answer>{body}</answer>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(f"[{ONE}]", [FIRST], id="one"),
        pytest.param(f"[{ONE}, {TWO}]", [FIRST, SECOND], id="two"),
        pytest.param(f"[{ONE}, {ONE}]", [FIRST, FIRST], id="duplicates are kept"),
        pytest.param(f"[{ONE},{TWO}]".replace("'", '"').replace(" ", ""), [FIRST, SECOND], id="compact JSON"),
        pytest.param(f"\n[\n  {ONE},\n\n  {TWO}\n]\n", [FIRST, SECOND], id="line breaks"),
        pytest.param(
            "[\n  {\n    'Position': [\n      1,\n      2,\n      30,\n      40\n    ],\n    'Confidence': 0.9\n  }\n]",
            [FIRST],
            id="pretty-printed",
        ),
        pytest.param("[{'Position': [1.0, 2, 3e1, 40], 'Confidence': 0.9}]", [FIRST], id="floats"),
        pytest.param("[{'Position': [0, 0, 1000, 1000], 'Confidence': 1}]", [((0, 0, 1000, 1000), 1)], id="limits"),
        pytest.param("[{'Confidence': 0.9, 'Position': [1, 2, 30, 40]}]", [FIRST], id="confidence first"),
        pytest.param('[{"Position": [1, 2, 30, 40], "Confidence": 0.9, "of": "a man\'s"}]', [FIRST], id="apostrophe"),
    ],
)
def test_well_formed(body: str, expected: list[Detection]) -> None:
    answer = parse_detection(answered(body))
    assert (answer.outcome, answer.reason) == (Outcome.WELL_FORMED, "")
    assert list(answer.detections) == expected
    assert answer.invalid == 0


@pytest.mark.parametrize(
    ("body", "expected", "reason"),
    [
        pytest.param(f"[{ONE}, ...]", [FIRST], DOTS, id="dots copied from the prompt"),
        pytest.param(f"[{ONE}, {{...}}]", [FIRST], DOTS, id="dots in braces"),
        pytest.param(f"[[{ONE}, {TWO}]]", [FIRST, SECOND], OTHER, id="double brackets"),
        pytest.param(f"[{ONE}], [{TWO}]", [FIRST, SECOND], OTHER, id="two lists"),
        pytest.param(f"[{ONE}] [{TWO}, {{'Pos", [FIRST, SECOND], CUT, id="second list cut off"),
        pytest.param(f"[{ONE}]]", [FIRST], BRACKETS, id="surplus bracket"),
        pytest.param(f"[{ONE}}}]", [FIRST], BRACES, id="surplus brace"),
        pytest.param(f"[{ONE}]\\", [FIRST], CUT, id="stray backslash"),
        pytest.param(f"[{ONE}]\\end{{answer}}", [FIRST], CUT, id="another kind of end"),
        pytest.param("[{'Position': [1, 2, 30, 40), 'Confidence': 0.9}]", [FIRST], BRACKETS, id="round bracket"),
        pytest.param("[{'Position': (1, 2, 30, 40), 'Confidence': 0.9}]", [FIRST], OTHER, id="tuple"),
        pytest.param(ONE, [FIRST], NO_LIST, id="no list"),
        pytest.param(f"{ONE}, {TWO}", [FIRST, SECOND], NO_LIST, id="two without a list"),
        pytest.param(f'{{"objects": [{ONE}, {TWO}]}}', [FIRST, SECOND], NO_LIST, id="list wrapped in an object"),
        pytest.param(f"The boxes are [{ONE}].", [FIRST], BEFORE, id="prose around it"),
        pytest.param(f"```json\n[{ONE}]\n```", [FIRST], FENCE, id="code fence"),
        pytest.param(f"[{ONE}, {{'Position': [500, 600", [FIRST], CUT, id="list cut off in a box"),
        pytest.param(f"[{ONE}, {TWO[:-1]}", [FIRST], CUT, id="list cut off before its brace"),
        pytest.param(f"[{ONE}, {{", [FIRST], CUT, id="list cut off after a brace"),
        pytest.param(f"[{TWO[:-1]}, {ONE}]", [SECOND, FIRST], BRACES, id="a brace missing in the middle"),
        pytest.param(f"[{TWO[:-1]}, {ONE[1:]}]", [SECOND, FIRST], OTHER, id="both braces missing in the middle"),
        pytest.param("[{Position: [1, 2, 30, 40], Confidence: .9}]", [FIRST], OTHER, id="no quotes"),
        pytest.param("[{\"Position': [1, 2, 30, 40], 'Confidence\": 0.9}]", [FIRST], QUOTES, id="quotes mixed"),
        pytest.param("[{'Position': [1, 2, 30, 40], 'Confidence': '0.9'}]", [FIRST], QUOTED, id="quoted confidence"),
        pytest.param("[{'position': [1, 2, 30, 40], 'CONFIDENCE': 0.9}]", [FIRST], KEYS, id="case of the keys"),
        pytest.param("[{' Position': [1, 2, 30, 40], 'Confidence': 0.9}]", [FIRST], OTHER, id="space in a key"),
        pytest.param("[{'bbox_2d': [1, 2, 30, 40], 'confidence': 0.9}]", [FIRST], KEYS, id="Qwen with confidence"),
        pytest.param("[{'position_2d': [1, 2, 30, 40], 'confidence': 0.9}]", [FIRST], KEYS, id="names of keys mixed"),
        pytest.param('[{"bbox_2d": [1, 2, 30, 40], "label": "face"}]', [UNSURE], f"{KEYS}; {NO_CONFIDENCE}", id="Qwen"),
        pytest.param("(1,2),(30,40)", [UNSURE], f"{PAIRS}; {NO_CONFIDENCE}", id="pair"),
        pytest.param("[(1, 2), (30, 40)]", [UNSURE], f"{PAIRS}; {NO_CONFIDENCE}", id="pair in a list"),
        pytest.param(
            "(1,2),(30,40), (500,600),(700,800)",
            [UNSURE, Detection(SECOND.box, None)],
            f"{PAIRS}; 2 of 2 boxes without a valid confidence",
            id="pairs",
        ),
    ],
)
def test_notation_repaired(body: str, expected: list[Detection], reason: str) -> None:
    answer = parse_detection(answered(body))
    assert (answer.outcome, answer.reason) == (Outcome.REPAIRED, reason)
    assert list(answer.detections) == expected
    assert answer.invalid == 0


@pytest.mark.parametrize(
    "confidence", ["NaN", "Infinity", "-Infinity", "90", "1.0001", "-0.1", "1e999", "true", "null", "'high'", "[0.5]"]
)
@pytest.mark.parametrize("end", ["]", ""])
def test_a_confidence_that_is_not_valid_leaves_its_box(confidence: str, end: str) -> None:
    answer = parse_detection(answered(f"[{{'Position': [1, 2, 30, 40], 'Confidence': {confidence}}}{end}"))
    assert answer.outcome is Outcome.REPAIRED
    assert answer.reason.endswith(NO_CONFIDENCE)
    assert answer.detections == (UNSURE,)


@pytest.mark.parametrize("confidence", ["90%", "0.9%", "0.9.1", "--1", "e", "0.5abc", "None"])
def test_what_only_begins_like_a_confidence_is_none(confidence: str) -> None:
    answer = parse_detection(answered(f"[{{'Position': [1, 2, 30, 40], 'Confidence': {confidence}}}]"))
    assert answer.detections == (UNSURE,)


@pytest.mark.parametrize(
    ("body", "expected", "invalid_confidences"),
    [
        pytest.param(f"[{{'Position': [1, 2, 3], 'Confidence': 0.5}}, {ONE}]", [FIRST], (0.5,), id="three numbers"),
        pytest.param(f"[{{'Position': [1, 2, 3], 'Confidence': 0.5}}, {ONE}", [FIRST], (0.5,), id="and list cut off"),
        pytest.param(f"[{ONE}, {{'x': 1}}]", [FIRST], (None,), id="an object that is no box"),
        pytest.param(f"[{ONE}, {{'Position': 5, 'Confidence': 7}}]", [FIRST], (None,), id="both wrong"),
        pytest.param(f"[{ONE}, {{'Confidence': 0.5}}]", [FIRST], (0.5,), id="no position"),
        pytest.param("(1,2),(30,40),(9,9),(8,8)", [UNSURE], (None,), id="pair inverted"),
    ],
)
def test_a_bad_box_does_not_take_the_good_ones_with_it(
    body: str, expected: list[Detection], invalid_confidences: tuple[float | None, ...]
) -> None:
    answer = parse_detection(answered(body))
    assert answer.outcome is Outcome.REPAIRED
    assert "1 of 2 boxes invalid" in answer.reason
    assert list(answer.detections) == expected
    assert answer.invalid_confidences == invalid_confidences


@pytest.mark.parametrize(
    "position",
    [
        "[1, 2, 30]",
        "[1, 2, 30, 40, 50]",
        "[]",
        "[30, 2, 1, 40]",
        "[1, 40, 30, 2]",
        "[1, 2, 1, 40]",
        "[1, 2, 30, 2]",
        "[-11, 2, 30, 40]",
        "[1, 2, 30, 1010.5]",
        "[1001, 2, 1002, 40]",
        "[1, 2, 30, 1e999]",
        "[NaN, 2, 30, 40]",
        "[1, 2, 30, Infinity]",
        "[1, 2, 30, true]",
        "[1, 2, 30, null]",
        "[1, 2, 30, 'forty']",
        "['1', '2', '30']",
        "['1', '2', '30', '40 px']",
        "'1, 2, 30, 40'",
        "[1, 2, 30, 4e-]",
        "[1, 2, 30, \u0664\u0660]",
        "[[1, 2], [30, 40]]",
        "'1234'",
        "null",
        "[1, 2, 30, " + "9" * 5000 + "]",
    ],
)
@pytest.mark.parametrize("end", ["]", ""])
def test_boxes_that_are_not_valid_are_counted(position: str, end: str) -> None:
    answer = parse_detection(answered(f"[{{'Position': {position}, 'Confidence': 0.75}}{end}"))
    assert answer.outcome is Outcome.MALFORMED
    assert answer.reason.endswith("1 of 1 boxes invalid")
    assert answer.detections == ()
    assert answer.invalid_confidences == (0.75,)


@pytest.mark.parametrize(
    "body",
    ["No Objects", " no objects\n", "No object", "No Objects.", "[No Objects]", "['No Objects']", "[]", "[ ]"]
    + ['"No Objects"', "**No Objects**", "No_Objects", "No objects detected.", "No objects were found", "None"]
    + ["There are no objects.", "there is no object visible", "Nothing found.", "{'No Objects'}", "NO OBJECTS!"],
)
def test_no_objects(body: str) -> None:
    answer = parse_detection(answered(body))
    assert (answer.outcome, answer.reason, answer.n_boxes) == (Outcome.NO_OBJECTS, "", 0)


@pytest.mark.parametrize(
    "body",
    ["", "...", "x", "150", "['cat', 'dog']", "[1, 2, 30, 40]", "[[1, 2, 30, 40], 0.9]", "{}", "[{}]", "[" * 3000]
    + ["[{'Position': [x1, y1, x2, y2], 'Confidence': number", "Nobody", "[{'Position': [", "No Objects but one"]
    + ["(1,2)", "(1,2,30,40)", "Not applicable", "not sure, no objects"],
)
def test_an_answer_without_boxes(body: str) -> None:
    answer = parse_detection(answered(body))
    assert (answer.outcome, answer.n_boxes, answer.reason) == (Outcome.MALFORMED, 0, "no box in a known notation")


def test_the_copied_template_is_a_box_that_is_not_valid() -> None:
    answer = parse_detection(answered("[{'Position': [x1, y1, x2, y2], 'Confidence': number}, ...]"))
    assert (answer.outcome, answer.invalid_confidences) == (Outcome.MALFORMED, (None,))


@pytest.mark.parametrize(
    ("response", "outcome", "reason", "expected"),
    [
        pytest.param(f"<answer>[{ONE}]</answer>", "well_formed", "", [FIRST], id="no reasoning"),
        pytest.param(f"a</think><answer>[{ONE}]</answer>", "well_formed", "", [FIRST], id="think tag in the prompt"),
        pytest.param(
            f"<think>a</think><answer>[{ONE}]", "repaired", "the answer tag is not closed", [FIRST], id="not closed"
        ),
        pytest.param(
            f"<think>a</think><answer>[{ONE}, {{'Po",
            "repaired",
            f"the answer tag is not closed; {CUT}",
            [FIRST],
            id="cut off",
        ),
        pytest.param(
            f"<think>a <answer>[{ONE}]</answer>", "repaired", "the think tag is not closed", [FIRST], id="open thinking"
        ),
        pytest.param(
            f"<think> ... </think> <answer>[{TWO}, ...]</answer> <think>b</think> <answer>[{ONE}]</answer>",
            "well_formed",
            "",
            [FIRST],
            id="template echoed first",
        ),
        pytest.param(
            f"<think>I write <answer>x</answer> now</think> <answer>[{ONE}]</answer>",
            "well_formed",
            "",
            [FIRST],
            id="tag mentioned in the reasoning",
        ),
        pytest.param(f"<answer>[{TWO}]</answer><answer>[{ONE}]</answer>", "well_formed", "", [FIRST], id="last counts"),
        pytest.param(f"<think>a</think> [{ONE}]", "repaired", "no answer tags", [FIRST], id="bare list"),
        pytest.param(
            f"[{ONE}, {{'Position': [500, 50", "repaired", f"no answer tags; {CUT}", [FIRST], id="bare list cut off"
        ),
        pytest.param(f"[{ONE}] <think> b", "repaired", "no answer tags", [FIRST], id="bare list, then open reasoning"),
        pytest.param(f"[{ONE}]</answer>", "repaired", "no answer tags", [FIRST], id="only the closing tag"),
        pytest.param(
            "<think>a</think> (1,2),(30,40)",
            "repaired",
            f"no answer tags; {PAIRS}; {NO_CONFIDENCE}",
            [UNSURE],
            id="bare pair",
        ),
        pytest.param("<think>a</think> No Objects", "no_objects", "no answer tags", [], id="bare No Objects"),
        pytest.param(
            "<answer>No Objects", "no_objects", "the answer tag is not closed", [], id="No Objects, not closed"
        ),
        pytest.param(
            "<think>a</think><answer><think>[" + ONE + "]</think></answer>",
            "malformed",
            "no box in a known notation",
            [],
            id="reasoning in the answer",
        ),
    ],
)
def test_where_the_answer_is(response: str, outcome: str, reason: str, expected: list[Detection]) -> None:
    answer = parse_detection(response)
    assert (answer.outcome.value, answer.reason, list(answer.detections)) == (outcome, reason, expected)


@pytest.mark.parametrize(
    "response",
    [
        "",
        "The answer is 150",
        f"I think [{ONE}]",
        f"<think> [{ONE}]",
        f"<think> [{ONE}] </think>",
        f"<think> <answer>[{ONE}]</answer> </think>",
        "<think> No Objects </think>",
        "<think> so the answer is No Objects",
        "<think>a</think> (see above)",
    ],
)
def test_the_reasoning_is_never_the_answer(response: str) -> None:
    answer = parse_detection(response)
    assert (answer.outcome, answer.n_boxes) == (Outcome.NO_ANSWER, 0)
    assert answer.reason == "no answer outside the reasoning"


def test_coordinates_may_end_elsewhere_than_at_1000() -> None:
    response = answered("[{'Position': [10, 20, 1200, 400], 'Confidence': 0.9}]")
    assert parse_detection(response, extent=(1280, 720)).detections == (((10, 20, 1200, 400), 0.9),)
    assert parse_detection(response, extent=(1280, 360)).detections == ()
    assert parse_detection(response).detections == ()


@pytest.mark.parametrize("end", ["]", "", ", ...]"])
@pytest.mark.parametrize("notation", [ONE, "(1,2),(30,40)"])
def test_a_flood_is_counted_but_not_read(notation: str, end: str) -> None:
    answer = parse_detection("<answer>[" + ", ".join([notation] * 600) + end)
    assert len(answer.detections) == MAX_BOXES
    assert answer.invalid == 600 - MAX_BOXES


def test_a_flood_inside_one_object_is_counted_but_not_read() -> None:
    answer = parse_detection("<answer>[{" + "'Position': [1, 2, 30, 40], " * 600 + "}]")
    assert len(answer.detections) == MAX_BOXES
    assert answer.invalid == 600 - MAX_BOXES
