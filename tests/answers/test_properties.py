# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Properties that hold for any text, and for anything that is written as a prompt asks."""

from __future__ import annotations

import random

from hypothesis import example, given
from hypothesis import strategies as st

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks.classification import parse_classification
from verl_visual_rft.tasks.detection import parse_detection
from verl_visual_rft.tasks.grounding import parse_grounding
from verl_visual_rft.tasks.pointing import parse_pointing

ONE = "{'Position': [1, 2, 30, 40], 'Confidence': 0.9}"
TWO = "{'Position': [500, 600, 700, 800], 'Confidence': 0.25}"
READ = (Outcome.WELL_FORMED, Outcome.REPAIRED)
SILENT = (Outcome.WELL_FORMED, Outcome.NO_OBJECTS)

fragments = st.lists(
    st.one_of(
        st.sampled_from(
            ["<think>", "</think>", "<answer>", "</answer>", ONE, TWO, "[", "]", "{", "}", "(", ")", ",", ":", "..."]
        ),
        st.sampled_from(["'Position'", "'Confidence'", "'bbox_2d'", "NaN", "-Infinity", "1e999", "No Objects", "None"]),
        st.sampled_from(["(1,2),(3,4)", "'", '"', "\\", "\n", "rose"]),
        st.integers().map(str),
        st.floats().map(str),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)
texts = st.one_of(st.text(), fragments, fragments.map(lambda body: f"<think> a </think> <answer>{body}</answer>"))

boxes = st.tuples(st.integers(0, 998), st.integers(0, 998), st.integers(1, 1000), st.integers(1, 1000)).map(
    lambda b: (b[0], b[1], min(1000, b[0] + b[2]), min(1000, b[1] + b[3]))
)
confidences = st.integers(0, 100).map(lambda percent: percent / 100)
white = st.sampled_from(["", " ", "\n", "\t ", "\u3000"])


@given(texts)
@example("\ud800<answer>[{'Position': [\u0661, 2, 30, 40]}]")
def test_any_text_gives_a_consistent_detection_answer(response: str) -> None:
    answer = parse_detection(response)
    for (x1, y1, x2, y2), confidence in answer.detections:
        assert 0 <= x1 < x2 <= 1000
        assert 0 <= y1 < y2 <= 1000
        assert confidence is None or 0 <= confidence <= 1
    assert all(confidence is None or 0 <= confidence <= 1 for confidence in answer.invalid_confidences)
    assert answer.n_boxes == len(answer.detections) + answer.invalid
    assert bool(answer.detections) is (answer.outcome in READ)
    assert bool(answer.reason) or answer.outcome in SILENT
    assert answer.invalid == 0 or answer.outcome in (Outcome.REPAIRED, Outcome.MALFORMED)
    assert not answer.reason or answer.outcome is not Outcome.WELL_FORMED


@given(texts)
def test_any_text_gives_a_consistent_grounding_answer(response: str) -> None:
    answer = parse_grounding(response)
    for x1, y1, x2, y2 in answer.boxes:
        assert 0 <= x1 < x2 <= 1000
        assert 0 <= y1 < y2 <= 1000
    assert (answer.box is not None) is (answer.outcome in READ)
    assert bool(answer.reason) is (answer.outcome is not Outcome.WELL_FORMED)
    assert answer.outcome is not Outcome.NO_ANSWER or answer.n_boxes == 0


@given(texts)
def test_any_text_gives_a_consistent_classification_answer(response: str) -> None:
    answer = parse_classification(response)
    assert answer.label == answer.label.strip()
    assert answer.label in response
    assert bool(answer.label) is (answer.outcome in READ)
    assert bool(answer.reason) is (answer.outcome is not Outcome.WELL_FORMED)


@given(texts)
def test_the_tasks_agree_on_format_and_reasoning(response: str) -> None:
    answers = [parse(response) for parse in (parse_detection, parse_grounding, parse_classification, parse_pointing)]
    assert len({(answer.has_format, answer.thinking) for answer in answers}) == 1


@given(st.lists(st.tuples(boxes, confidences), min_size=1, max_size=20), st.sampled_from("'\""), st.data())
def test_what_is_written_is_read_back_and_a_cut_keeps_whole_boxes(
    written: list, quote: str, data: st.DataObject
) -> None:
    objects = [f"{{'Position': {list(box)}, 'Confidence': {confidence}}}" for box, confidence in written]
    listed = ", ".join(objects).replace("'", quote)
    answer = parse_detection(f"<think> a </think> <answer>[{listed}]</answer>")
    assert (answer.outcome, list(answer.detections)) == (Outcome.WELL_FORMED, written)
    cut = listed[: data.draw(st.integers(0, len(listed)))]
    kept = parse_detection(f"<answer>[{cut}")
    assert list(kept.detections) == written[: cut.count("}")]
    assert kept.invalid == 0


@given(st.lists(st.tuples(boxes, confidences), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_the_boxes_is_kept(written: list, shuffle: random.Random) -> None:
    objects = [f"{{'Position': {list(box)}, 'Confidence': {confidence}}}" for box, confidence in written]
    order = list(range(len(written)))
    shuffle.shuffle(order)
    answer = parse_detection(f"<answer>[{', '.join(objects[i] for i in order)}]</answer>")
    assert list(answer.detections) == [written[i] for i in order]


@given(boxes, white, white)
def test_a_pair_is_read_back(box: tuple[int, int, int, int], space: str, other: str) -> None:
    x1, y1, x2, y2 = box
    pair = f"({space}{x1}{other},{y1}{space}){other},{space}({x2},{other}{y2})"
    grounding = parse_grounding(f"<answer>{space}{pair}{other}</answer>")
    assert (grounding.outcome, grounding.box) == (Outcome.WELL_FORMED, box)
    assert parse_detection(f"<answer>{pair}</answer>").detections == ((box, None),)


@given(boxes, confidences, st.integers(1, 3))
def test_boxes_scale_with_the_extent(box: tuple[int, int, int, int], confidence: float, scale: int) -> None:
    scaled = [value * scale for value in box]
    answer = parse_detection(
        f"<answer>[{{'Position': {scaled}, 'Confidence': {confidence}}}]</answer>", (1000 * scale, 1000 * scale)
    )
    assert answer.detections == ((tuple(scaled), confidence),)
