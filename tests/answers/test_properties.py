# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Properties that hold for any text, and for anything that is written as a prompt asks."""

from __future__ import annotations

from any_text import boxes, texts
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks.classification import parse_classification
from verl_visual_rft.tasks.detection import parse_detection
from verl_visual_rft.tasks.grounding import parse_grounding
from verl_visual_rft.tasks.pointing import parse_pointing

white = st.sampled_from(["", " ", "\n", "\t ", "\u3000"])


@given(texts)
def test_the_tasks_agree_on_format_and_reasoning(response: str) -> None:
    answers = [parse(response) for parse in (parse_detection, parse_grounding, parse_classification, parse_pointing)]
    assert len({(answer.has_format, answer.thinking) for answer in answers}) == 1


@given(boxes, white, white)
def test_a_pair_is_read_back(box: tuple[int, int, int, int], space: str, other: str) -> None:
    x1, y1, x2, y2 = box
    pair = f"({space}{x1}{other},{y1}{space}){other},{space}({x2},{other}{y2})"
    grounding = parse_grounding(f"<answer>{space}{pair}{other}</answer>")
    assert (grounding.outcome, grounding.box) == (Outcome.WELL_FORMED, box)
    assert parse_detection(f"<answer>{pair}</answer>").detections == ((box, None),)
