# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Properties that hold for any text, and for anything that is written as the prompt asks."""

from __future__ import annotations

import random

from any_text import READ, SILENT, boxes, confidences, texts
from hypothesis import example, given
from hypothesis import strategies as st

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks.detection import parse_detection


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


@given(boxes, confidences, st.integers(1, 3))
def test_boxes_scale_with_the_extent(box: tuple[int, int, int, int], confidence: float, scale: int) -> None:
    scaled = [value * scale for value in box]
    answer = parse_detection(
        f"<answer>[{{'Position': {scaled}, 'Confidence': {confidence}}}]</answer>", (1000 * scale, 1000 * scale)
    )
    assert answer.detections == ((tuple(scaled), confidence),)
