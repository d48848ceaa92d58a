# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from verl_visual_rft.evaluation.report.gallery import find
from verl_visual_rft.rewards import make_sample

LEFT, RIGHT = [0, 0, 100, 100], [500, 0, 600, 100]
BADLY = [0, 0, 100, 30]  # IoU 0.3 with LEFT
NEAR_NOTHING = [90, 90, 190, 190]  # IoU 0.005 with LEFT
GRAZING = [95, 0, 200, 100]  # IoU 0.025 with LEFT


@pytest.mark.parametrize(
    ("truth", "answered", "expected"),
    [
        ([LEFT], [(LEFT, 0.9)], "right"),
        ([], [], "right"),
        ([LEFT], [], "missed"),
        ([], [(LEFT, 0.9)], "false alarm"),
        ([LEFT], [(BADLY, 0.9)], "badly placed"),
        ([LEFT], [(NEAR_NOTHING, 0.9)], "missed, false alarm"),
        ([LEFT], [(GRAZING, 0.9)], "missed, false alarm"),
        ([LEFT, RIGHT], [(LEFT, 0.9)], "missed"),
        # A second box on an object that is found is a false alarm, also where it is badly placed.
        ([LEFT], [(LEFT, 0.9), (LEFT, 0.8)], "false alarm"),
        ([LEFT], [(LEFT, 0.9), (BADLY, 0.8)], "false alarm"),
        # The better box finds the object although it is less confident.
        ([LEFT], [(BADLY, 0.9), (LEFT, 0.1)], "false alarm"),
        ([LEFT, RIGHT], [(BADLY, 0.9), (GRAZING, 0.5)], "missed, false alarm, badly placed"),
    ],
)
def test_detection(answer, truth, answered, expected):
    text = answer(*answered) if answered else "<think> a </think> <answer>No Objects</answer>"
    findings = find(make_sample("detection", text, {"boxes": truth}))
    assert ", ".join(finding.value for finding in findings) == expected


@pytest.mark.parametrize("text", ["", "<answer>[{'Position': [9, 9, 1, 1], 'Confidence': 1}]</answer>"])
@pytest.mark.parametrize("truth", [[], [LEFT]])
def test_malformed(text, truth):
    assert [finding.value for finding in find(make_sample("detection", text, {"boxes": truth}))] == ["malformed"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(0,0),(100,90)", "right"),
        ("(0,0),(100,30)", "badly placed"),
        ("(500,0),(600,100)", "missed, false alarm"),
        ("(0,0),(100,90) (0,0),(100,90)", "malformed"),
    ],
)
def test_grounding(text, expected):
    findings = find(make_sample("grounding", f"<answer>{text}</answer>", {"box": LEFT}))
    assert ", ".join(finding.value for finding in findings) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a rose", "right"), ("lily", "wrong class"), ("rose or lily", "wrong class"), ("", "malformed")],
)
def test_classification(text, expected):
    truth = {"label": "rose", "labels": ["rose", "lily"]}
    (finding,) = find(make_sample("classification", f"<answer>{text}</answer>", truth))
    assert finding.value == expected
