# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How answers about several categories are read."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks.labelled_detection import LabelledBox, parse_labelled

CUP = '{"bbox_2d": [1, 2, 30, 40], "label": "cup"}'
PEN = '{"bbox_2d": [5, 6, 70, 80], "label": "red pen", "confidence": 0.5}'
READ_CUP = LabelledBox((1, 2, 30, 40), "cup")
READ_PEN = LabelledBox((5, 6, 70, 80), "red pen", 0.5)
WELL, REPAIRED, MALFORMED = Outcome.WELL_FORMED, Outcome.REPAIRED, Outcome.MALFORMED


def read(body: str, **options: object):
    return parse_labelled(f"<think> a </think> <answer>{body}</answer>", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "objects", "outcome", "reason"),
    [
        (f"[{CUP}, {PEN}]", [READ_CUP, READ_PEN], WELL, ""),
        (f"[{CUP}]".replace('"', "'"), [READ_CUP], WELL, ""),
        (f"```json\n[{CUP}]\n```", [READ_CUP], REPAIRED, "a code fence around it"),
        (f"Here: [{CUP}]", [READ_CUP], REPAIRED, "text before the list"),
        (CUP, [READ_CUP], REPAIRED, "no list around the boxes"),
        (f"[{CUP}, {PEN}, ...]", [READ_CUP, READ_PEN], REPAIRED, "dots copied from the prompt"),
        (f'[{CUP}, {{"bbox_2d": [1, 2', [READ_CUP], REPAIRED, "does not end with its bracket"),
        (CUP.replace("bbox_2d", "position"), [READ_CUP], REPAIRED, "boxes under another key than bbox_2d"),
        (f"[{CUP}]".replace("label", "category"), [READ_CUP], REPAIRED, "not a plain list of bbox_2d and label"),
        (f"[{CUP[:-1]}, {CUP[1:]}]", [READ_CUP, READ_CUP], REPAIRED, "not a plain list"),  # the braces are missing
        ("[{bbox_2d: [1, 2, 30, 40], label: cup}]", [READ_CUP], REPAIRED, "not a plain list"),
        ('{"objects": [' + CUP + "]}", [READ_CUP], REPAIRED, "no list around the boxes"),
        ('[{"bbox_2d": [[1, 2, 30, 40], [1, 2, 3, 4]], "label": "cup"}]',
         [READ_CUP, LabelledBox((1, 2, 3, 4), "cup")], REPAIRED, "a list of lists under one key"),
        ('[{"bbox_2d": [1, 2, 30, 1004], "label": "cup"}]',
         [LabelledBox((1, 2, 30, 1000), "cup")], REPAIRED, "1 of 1 boxes clipped to the picture"),
        (f'[{CUP}, {{"bbox_2d": [9, 9, 5, 5], "label": "cup"}}]', [READ_CUP], REPAIRED, "1 of 2 boxes invalid"),
        (f'[{CUP}, {{"bbox_2d": [1, 2, 3, 4]}}]', [READ_CUP], REPAIRED, "1 of 2 boxes without a label"),
        (f'[{CUP}, {{"bbox_2d": [1, 2, 3, 4], "label": " "}}]', [READ_CUP], REPAIRED, "1 of 2 boxes without a label"),
        (PEN.replace("0.5", "50").join("[]"), [READ_PEN._replace(confidence=None)], REPAIRED, "not in [0, 1]"),
        (PEN.replace("0.5", "NaN").join("[]"), [READ_PEN._replace(confidence=None)], REPAIRED, "not in [0, 1]"),
        ('[{"label": "cup"}]', [], MALFORMED, "1 of 1 boxes invalid"),
        ('[{"bbox_2d": [1, 2, 3], "label": "cup"}]', [], MALFORMED, "1 of 1 boxes invalid"),
        ("cup (1,2),(3,4)", [], MALFORMED, "no box in a known notation"),
        ("", [], MALFORMED, "no box in a known notation"),
        ("[]", [], Outcome.NO_OBJECTS, ""),
        ("No Objects", [], Outcome.NO_OBJECTS, ""),
        ('{"objects": []}', [], Outcome.NO_OBJECTS, ""),
        (f"[{CUP}] No Objects", [READ_CUP], REPAIRED, "does not end with its bracket"),
    ],
)  # fmt: skip
def test_notations(body: str, objects: list[LabelledBox], outcome: Outcome, reason: str) -> None:
    answer = read(body)
    assert (list(answer.objects), answer.outcome) == (objects, outcome)
    assert reason in answer.reason and bool(answer.reason) is bool(reason)


@pytest.mark.parametrize(
    "label", ['it\'s {a} "cup"', "position: [1, 2, 3, 4]", "737-200", "\u72ac", "a, b", "confidence: 0.5", "[x]", "@7"]
)
def test_labels_may_hold_anything(label: str) -> None:
    listed = json.dumps([{"bbox_2d": [1, 2, 30, 40], "label": label, "confidence": 1}], ensure_ascii=False)
    assert read(listed).objects == (LabelledBox((1, 2, 30, 40), label, 1.0),)
    assert read(listed).outcome is WELL


@pytest.mark.parametrize("label", ["cup {1}", "737-200", "wine glass", "@7"])
def test_labels_of_a_damaged_list(label: str) -> None:
    listed = f'[{{"bbox_2d": [1, 2, 30, 40], "label": "{label}"}}, {{"bbox_2d": [5, 6, 70, 80], "label": "pen"}}, ...'
    assert [box.label for box in read(listed).objects] == [label, "pen"]


def test_what_is_around_the_list() -> None:
    assert parse_labelled(f"[{CUP}]").reason == "no answer tags"
    assert parse_labelled(f"<think> [{CUP}] </think> <answer></answer>").objects == ()
    assert parse_labelled(f"<think> [{CUP}] </think>").outcome is Outcome.NO_ANSWER
    assert parse_labelled("no objects").outcome is Outcome.NO_OBJECTS
    assert parse_labelled(f"<answer>[{CUP}]</answer>", think=False).has_format
    assert not parse_labelled(f"<answer>[{CUP}]</answer>").has_format
    assert read('[{"bbox_2d": [1, 2, 1300, 40], "label": "cup"}]', extent=(1400, 900)).outcome is WELL


def test_what_follows_300_boxes_is_invalid() -> None:
    answer = read(f"[{', '.join([CUP] * 500)}]")
    assert (len(answer.objects), answer.invalid) == (300, 200)
    assert read(f"[{', '.join([CUP] * 500)}, ...]").n_boxes == 500


JUNK = st.lists(
    st.one_of(
        st.sampled_from([CUP, PEN, "[", "]", "{", "}", ",", '"bbox_2d":', '"label":', "'", '"', "@1", "...", "NaN"]),
        st.sampled_from(["<think>", "</think>", "<answer>", "</answer>", "No Objects", "```json", "\\", "label: cup"]),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)


@given(st.one_of(st.text(), JUNK, JUNK.map(lambda body: f"<think> a </think> <answer>{body}</answer>")))
@example('<answer>{"bbox_2d": [1, 2, 3, 4], "label": "@999999"')
def test_any_text_gives_a_consistent_answer(response: str) -> None:
    answer = parse_labelled(response)
    for (x1, y1, x2, y2), label, confidence in answer.objects:
        assert 0 <= x1 < x2 <= 1000 and 0 <= y1 < y2 <= 1000
        assert label.strip() == label != ""
        assert confidence is None or 0 <= confidence <= 1
    assert answer.n_boxes == len(answer.objects) + answer.invalid
    assert bool(answer.objects) is (answer.outcome in (WELL, REPAIRED))
    assert answer.reason or answer.outcome in (WELL, Outcome.NO_OBJECTS)
    assert not answer.reason or answer.outcome is not WELL
    assert parse_labelled(response) == answer


@pytest.mark.parametrize("unit", [CUP + ", ", CUP[:-1] + ", ", '{"label": "', '"label": ', "[", '{"bbox_2d": ', "'"])
def test_what_is_beyond_the_limit_is_not_read(unit: str) -> None:
    """A flood of 32768 characters, the most that are read, and one eight times as long say the same."""
    short, long = (read("[" + unit * (length // len(unit))) for length in (40_000, 320_000))
    assert short.objects == long.objects
    assert all(math.isfinite(value) for box in long.objects for value in box.box)
