# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verl_visual_rft.answers import MAX_BOXES, Detection, Outcome, parse_detection

SHARED = Path(__file__).parents[2] / "shared"

ONE = "{'Position': [1, 2, 30, 40], 'Confidence': 0.9}"
TWO = "{'Position': [500, 600, 700, 800], 'Confidence': 0.25}"
FIRST = Detection((1, 2, 30, 40), 0.9)
SECOND = Detection((500, 600, 700, 800), 0.25)
UNSURE = Detection((1, 2, 30, 40), None)


def answered(body: str) -> str:
    return f"<think> I see it. </think> <answer>{body}</answer>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(f"[{ONE}]", [FIRST], id="one"),
        pytest.param(f"[{ONE}, {TWO}]", [FIRST, SECOND], id="two"),
        pytest.param(f"[{ONE},{TWO}]".replace("'", '"').replace(" ", ""), [FIRST, SECOND], id="compact JSON"),
        pytest.param(f"\n[\n  {ONE},\n\n  {TWO}\n]\n", [FIRST, SECOND], id="line breaks"),
        pytest.param("[{'Position': [1.0, 2, 3e1, 40], 'Confidence': 0.9}]", [FIRST], id="floats"),
        pytest.param("[{'Position': [1, 2, 30, 40], 'Confidence': '0.9'}]", [FIRST], id="confidence as a string"),
        pytest.param("[{'Position': [0, 0, 1000, 1000], 'Confidence': 1}]", [((0, 0, 1000, 1000), 1)], id="limits"),
        pytest.param("[{\"Position': [1, 2, 30, 40], 'Confidence\": 0.9}]", [FIRST], id="quotes mixed"),
    ],
)
def test_well_formed(body: str, expected: list[Detection]) -> None:
    answer = parse_detection(answered(body))
    assert (answer.outcome, answer.reason) == (Outcome.WELL_FORMED, "")
    assert list(answer.detections) == expected
    assert answer.invalid == 0


@pytest.mark.parametrize(
    ("body", "expected", "invalid_confidences"),
    [
        pytest.param(f"[{ONE}, ...]", [FIRST], (), id="dots copied from the prompt"),
        pytest.param(f"[{ONE}, {{...}}]", [FIRST], (), id="dots in braces"),
        pytest.param(f"[[{ONE}, {TWO}]]", [FIRST, SECOND], (), id="double brackets"),
        pytest.param(f"[{ONE}], [{TWO}]", [FIRST, SECOND], (), id="two lists"),
        pytest.param(f"[{ONE}}}]", [FIRST], (), id="surplus brace"),
        pytest.param(f"[{ONE}]\\end{{answer}}", [FIRST], (), id="another kind of end"),
        pytest.param(ONE, [FIRST], (), id="no list"),
        pytest.param(f"The boxes are [{ONE}].", [FIRST], (), id="prose around it"),
        pytest.param(f"```json\n[{ONE}]\n```", [FIRST], (), id="code fence"),
        pytest.param(f"[{ONE}, {{'Position': [500, 600", [FIRST], (), id="list cut off in a box"),
        pytest.param(f"[{ONE}, {TWO[:-1]}", [FIRST], (), id="list cut off before its brace"),
        pytest.param(f"[{TWO[:-1]}, {ONE}]", [SECOND, FIRST], (), id="a brace missing in the middle"),
        pytest.param("[{Position: [1, 2, 30, 40], Confidence: .9}]", [FIRST], (), id="no quotes"),
        pytest.param("[{'position': [1, 2, 30, 40], 'CONFIDENCE': 0.9}]", [FIRST], (), id="case of the keys"),
        pytest.param("[{' Position': [1, 2, 30, 40], 'Confidence': 0.9}]", [FIRST], (), id="space in a key"),
        pytest.param('[{"bbox_2d": [1, 2, 30, 40], "label": "a man\'s face"}]', [UNSURE], (), id="Qwen"),
        pytest.param("[{'Position': [1, 2, 30, 40]}]", [UNSURE], (), id="no confidence"),
        pytest.param("[{'Position': [1, 2, 30, 40], 'Confidence': NaN}]", [UNSURE], (), id="NaN confidence"),
        pytest.param("[{'Position': [1, 2, 30, 40], 'Confidence': Infinity}]", [UNSURE], (), id="infinite confidence"),
        pytest.param("[{'Position': [1, 2, 30, 40], 'Confidence': 90}]", [UNSURE], (), id="confidence in percent"),
        pytest.param("[{'Position': [1, 2, 30, 40], 'Confidence': -0.1}]", [UNSURE], (), id="negative confidence"),
        pytest.param("[{'Position': [1, 2, 30, 40], 'Confidence': true}]", [UNSURE], (), id="true is no number"),
        pytest.param("[{'Position': [1, 2, 30, 40], 'Confidence': 'high'}]", [UNSURE], (), id="confidence in words"),
        pytest.param(f"[{{'Position': [1, 2, 3], 'Confidence': 0.5}}, {ONE}]", [FIRST], (0.5,), id="three numbers"),
        pytest.param(f"[{ONE}, {{'x': 1}}]", [FIRST], (None,), id="one object is no box"),
        pytest.param(f"[{ONE}, {{'Position': 5, 'Confidence': 7}}]", [FIRST], (None,), id="both wrong"),
    ],
)
def test_repaired(body: str, expected: list[Detection], invalid_confidences: tuple[float | None, ...]) -> None:
    answer = parse_detection(answered(body))
    assert answer.outcome is Outcome.REPAIRED
    assert answer.reason
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
        "[-1, 2, 30, 40]",
        "[1, 2, 30, 1000.5]",
        "[1, 2, 30, 1e999]",
        "[NaN, 2, 30, 40]",
        "[1, 2, 30, Infinity]",
        "[1, 2, 30, true]",
        "[1, 2, 30, null]",
        "[1, 2, 30, 'forty']",
        "[[1, 2], [30, 40]]",
        "'1234'",
        "null",
        "[1, 2, 30, " + "9" * 5000 + "]",
    ],
)
def test_boxes_that_are_not_valid_are_counted(position: str) -> None:
    answer = parse_detection(answered(f"[{{'Position': {position}, 'Confidence': 0.75}}]"))
    assert answer.outcome is Outcome.MALFORMED
    assert answer.detections == ()
    assert answer.invalid_confidences == (0.75,)


@pytest.mark.parametrize(
    "body",
    ["No Objects", " no objects\n", "No object", "No Objects.", "[No Objects]", "['No Objects']", "[]", "[ ]"]
    + ['"No Objects"', "**No Objects**", "No_Objects", "No objects detected.", "No objects were found", "None"],
)
def test_no_objects(body: str) -> None:
    answer = parse_detection(answered(body))
    assert (answer.outcome, answer.detections, answer.invalid) == (Outcome.NO_OBJECTS, (), 0)


@pytest.mark.parametrize(
    "body",
    ["", "...", "x", "150", "['cat', 'dog']", "[1, 2, 30, 40]", "{}", "[{}]", "No Objects but one", "[" * 3000]
    + ["[{'Position': [x1, y1, x2, y2], 'Confidence': number}, ...]", "Nobody", "[{'Position': ["],
)
def test_malformed(body: str) -> None:
    answer = parse_detection(answered(body))
    assert (answer.outcome, answer.detections) == (Outcome.MALFORMED, ())


@pytest.mark.parametrize(
    ("response", "outcome", "thinking", "expected"),
    [
        pytest.param(f"<think>a</think><answer>[{ONE}]", "repaired", "a", [FIRST], id="answer not closed"),
        pytest.param(f"<think>a</think><answer>[{ONE}, {{'Po", "repaired", "a", [FIRST], id="answer cut off"),
        pytest.param(f"<answer>[{ONE}]</answer>", "well_formed", "", [FIRST], id="no reasoning"),
        pytest.param(f"a</think><answer>[{ONE}]</answer>", "well_formed", "a", [FIRST], id="think tag in the prompt"),
        pytest.param(f"<think>a <answer>[{ONE}]</answer>", "well_formed", "", [FIRST], id="reasoning not closed"),
        pytest.param(
            f"<think> ... </think> <answer>[{TWO}, ...]</answer> <think>b</think> <answer>[{ONE}]</answer>",
            "well_formed",
            "b",
            [FIRST],
            id="template echoed first",
        ),
        pytest.param(
            f"<think>I write <answer>x</answer> now</think> <answer>[{ONE}]</answer>",
            "well_formed",
            "I write x now",
            [FIRST],
            id="tag mentioned in the reasoning",
        ),
        pytest.param(f"<answer>[{TWO}]</answer><answer>[{ONE}]</answer>", "well_formed", "", [FIRST], id="last counts"),
        pytest.param(f"<answer>[{ONE}]</answer><think>b</think>", "well_formed", "b", [FIRST], id="answer first"),
        pytest.param(f"<think>a</think> [{ONE}]", "repaired", "a", [FIRST], id="bare list after the reasoning"),
        pytest.param(f"[{ONE}, {{'Position': [500, 50", "repaired", "", [FIRST], id="bare list cut off"),
        pytest.param(f"[{ONE}] <think> b", "repaired", "", [FIRST], id="bare list, then open reasoning"),
        pytest.param(f"[{ONE}]</answer>", "repaired", "", [FIRST], id="only the closing tag"),
        pytest.param("<think>a</think> No Objects", "no_objects", "a", [], id="bare No Objects"),
        pytest.param(f"<think> <answer>[{ONE}]</answer> </think>", "no_answer", f" [{ONE}] ", [], id="hidden answer"),
        pytest.param(f"<think> [{ONE}] </think>", "no_answer", f" [{ONE}] ", [], id="boxes in the reasoning"),
        pytest.param(f"<think> [{ONE}]", "no_answer", "", [], id="boxes in open reasoning"),
        pytest.param(
            "<think>a</think><answer><think>[" + ONE + "]</think></answer>",
            "malformed",
            f"[{ONE}]",
            [],
            id="reasoning in the answer",
        ),
        pytest.param(f"I think [{ONE}]", "no_answer", "", [], id="prose without tags"),
        pytest.param("The answer is 150", "no_answer", "", [], id="no tags"),
        pytest.param("", "no_answer", "", [], id="empty"),
    ],
)
def test_where_the_answer_is(response: str, outcome: str, thinking: str, expected: list[Detection]) -> None:
    answer = parse_detection(response)
    assert (answer.outcome.value, answer.thinking, list(answer.detections)) == (outcome, thinking, expected)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("<think>a</think><answer>b</answer>", True),
        ("  <think>a\nb</think>\n\n<answer>b</answer>\n", True),
        ("<think></think><answer></answer>", True),
        ("<think>a</think> so <answer>b</answer>", False),
        ("<think>a</think><answer>b", False),
        ("<think>a</think><answer>b</answer>.", False),
        ("So <think>a</think><answer>b</answer>", False),
        ("<answer>b</answer>", False),
        ("<answer>b</answer><think>a</think>", False),
        ("<think>a</think><answer></answer", False),
        ("<think></think><answer>", False),
        ("", False),
    ],
)
def test_format(response: str, expected: bool) -> None:
    assert parse_detection(response).has_format is expected


tags_and_text = st.lists(
    st.sampled_from(["<think>", "</think>", "<answer>", "</answer>", " ", "\n", "a", "<", f"[{ONE}]", "No Objects"])
).map("".join)


@given(tags_and_text)
def test_format_is_the_full_match_of_the_papers_pattern(response: str) -> None:
    pattern = r"<think>.*?</think>\s*<answer>.*?</answer>"
    assert parse_detection(response).has_format is bool(re.fullmatch(pattern, response.strip(), re.DOTALL))


fragments = st.lists(
    st.one_of(
        st.sampled_from(
            ["<think>", "</think>", "<answer>", "</answer>", ONE, TWO, "[", "]", "{", "}", ",", ":", "..."]
        ),
        st.sampled_from(["'Position'", "'Confidence'", "NaN", "-Infinity", "1e999", "No Objects", "'", '"', "\\"]),
        st.integers().map(str),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)


@settings(max_examples=500)
@given(st.one_of(st.text(), fragments, fragments.map(answered)))
@example("\ud800<answer>[{'Position': [\u0661, 2, 30, 40]}]")
def test_any_text_gives_a_consistent_answer(response: str) -> None:
    answer = parse_detection(response)
    for (x1, y1, x2, y2), confidence in answer.detections:
        assert 0 <= x1 < x2 <= 1000
        assert 0 <= y1 < y2 <= 1000
        assert confidence is None or 0 <= confidence <= 1
    assert all(confidence is None or 0 <= confidence <= 1 for confidence in answer.invalid_confidences)
    assert bool(answer.detections) is (answer.outcome in (Outcome.WELL_FORMED, Outcome.REPAIRED))
    assert bool(answer.reason) or answer.outcome in (Outcome.WELL_FORMED, Outcome.NO_OBJECTS)
    if answer.outcome in (Outcome.WELL_FORMED, Outcome.NO_OBJECTS, Outcome.NO_ANSWER):
        assert answer.invalid == 0


boxes = st.tuples(st.integers(0, 998), st.integers(0, 998), st.integers(1, 1000), st.integers(1, 1000)).map(
    lambda b: (b[0], b[1], min(1000, b[0] + b[2]), min(1000, b[1] + b[3]))
)


@given(st.lists(st.tuples(boxes, st.integers(0, 100).map(lambda percent: percent / 100)), min_size=1, max_size=20))
def test_what_is_written_is_read_back_and_a_cut_keeps_whole_boxes(written: list) -> None:
    objects = [f"{{'Position': {list(box)}, 'Confidence': {confidence}}}" for box, confidence in written]
    assert list(parse_detection(answered(f"[{', '.join(objects)}]")).detections) == written
    text = "<answer>[" + ", ".join(objects)
    cut = random.Random(len(text)).randrange(len("<answer>["), len(text))
    kept = parse_detection(text[:cut])
    assert list(kept.detections) == written[: text[:cut].count("}")]
    assert kept.invalid == 0


@pytest.mark.parametrize("end", ["]", "", ", ...]"])
def test_a_flood_is_counted_but_not_read(end: str) -> None:
    answer = parse_detection("<answer>[" + ", ".join([ONE] * 1000) + end)
    assert len(answer.detections) == MAX_BOXES
    assert answer.invalid == 1000 - MAX_BOXES


@pytest.mark.parametrize(
    "unit",
    ["\0", "<", " ", "<answer>", "</think> ", "<answer>x</answer><think>y</think>", "[", "{", "{}", "{:", "{a:}", "'"]
    + ['"', "\\", "1", "0,", "no objects ", "position:[", "confidence'", "[{'", '{"a":', "```", ONE + ", ", "9e9,"],
)
@pytest.mark.parametrize("prefix", ["", "<answer>", "<answer>[", "<answer>{", "<think></think>", "<answer>no"])
def test_64_kib_of_junk_is_read_in_a_moment(prefix: str, unit: str) -> None:
    junk = (prefix + unit * 65536)[:65536]
    seconds = []
    for _ in range(3):
        start = time.process_time()
        parse_detection(junk)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.02  # about 0.004 on two slow cores; a quadratic step would take seconds


def sorted_corners(box: list[float]) -> list[float]:
    return [min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])]


def test_real_responses_give_the_boxes_that_the_reference_reads() -> None:
    """400 responses of the published 2B model; the reference drops exact duplicates and every answer cut off."""
    path = SHARED / "data/visual_rft/coco_infer_responses_2b.jsonl"
    if not path.exists():
        pytest.skip(f"real responses not found: {path}")
    outcomes: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        answer = parse_detection(row["response"])
        outcomes[answer.outcome.value] += 1
        if "</answer>" not in row["response"]:
            assert row["ref_parsed"] == []
            continue
        if isinstance(row["ref_parsed"], str):  # the reference raises where a box has no confidence
            assert answer.reason
            continue
        distinct = {detection.box: detection.confidence for detection in reversed(answer.detections)}
        read = [item for item in row["ref_parsed"] if isinstance(item, list)]  # it keeps lists of names as they are
        in_range = {tuple(box): c for box, c in read if box == sorted_corners(box) and max(box) <= 1000}
        assert distinct == in_range
    assert outcomes == {"well_formed": 226, "no_objects": 135, "repaired": 30, "no_answer": 5, "malformed": 4}


@pytest.mark.parametrize(
    ("note", "outcomes"),
    [
        ("well-formed", {"well_formed"}),
        ("negative answer", {"no_objects"}),
        ("empty Position list", {"malformed"}),
        ("confidence is a string", {"well_formed"}),
        ("extra closing brace", {"repaired"}),
        ("stray backslash before </answer>", {"repaired"}),
        ("no <answer> block at all", {"no_answer"}),
    ],
)
def test_real_responses_end_as_their_reviewers_note_says(note: str, outcomes: set[str]) -> None:
    path = SHARED / "cases/real_responses.json"
    if not path.exists():
        pytest.skip(f"real responses not found: {path}")
    rows = [row for row in json.loads(path.read_text(encoding="utf-8")) if row["task"] == "detection"]
    noted = [row["response"] for row in rows if row["note"] == note]
    assert noted
    assert {parse_detection(response).outcome.value for response in noted} == outcomes
