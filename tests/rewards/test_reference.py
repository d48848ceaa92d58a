# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_inputs import shared

from verl_visual_rft.doctor.finding import run_python
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import score
from verl_visual_rft.rewards.brought import ReferenceReward
from verl_visual_rft.tasks import read_truth

SHIPPED = ReferenceReward()
NO_CHECK = ReferenceReward(symbolic_check=False)

BOXES = {"boxes": [[100, 150, 300, 350]]}
TWO_BOXES = {"boxes": [[100, 150, 300, 350], [500, 500, 600, 600]]}
GOOD = "{'Position': [110, 160, 300, 350], 'Confidence': 0.9}"  # IoU 0.9025
FAR = "{'Position': [700, 710, 800, 810], 'Confidence': 0.2}"
SHORT_BOX = "{'Position': [110, 160, 300], 'Confidence': 0.1}"


def answered(body: str) -> str:
    return f"<think> a cat </think> <answer>{body}</answer>"


@pytest.mark.parametrize(
    ("body", "truth", "iou", "confidence"),
    [
        pytest.param(f"[{GOOD}]", BOXES, 0.9025, 0.9, id="good box"),
        pytest.param(f"[{GOOD}]", TWO_BOXES, 0.45125, 0.9, id="missed object: iou only"),
        pytest.param(f"[{GOOD}, {FAR}]", BOXES, 0.45125, 0.85, id="surplus box"),
        pytest.param(f"[{FAR}, {FAR}, {GOOD}]", BOXES, 0.45125, 0.85, id="duplicate dropped"),
        pytest.param("[{'Position': [100, 250, 300, 350], 'Confidence': 0.8}]", BOXES, 0, 0.2, id="IoU 0.5 is a miss"),
        pytest.param(f"[{GOOD}, {SHORT_BOX}]", TWO_BOXES, 0, 0, id="bad box, a truth is free: all lost"),
        pytest.param(f"[{GOOD}, {SHORT_BOX}]", BOXES, 0.45125, 0.9, id="bad box, no truth left: a miss"),
        pytest.param(f"[{GOOD}, 'x']", BOXES, 0, 0, id="not only boxes"),
        pytest.param(f"[\n{GOOD}]", BOXES, 0, 0, id="two lines"),
        pytest.param(f"[{GOOD}, {{'Position': [7", BOXES, 0.9025, 0.9, id="cut off"),
        pytest.param("No Objects", BOXES, 0, 0, id="No Objects"),
        pytest.param("No Objects", {"boxes": []}, 0, 0, id="No Objects, rightly"),
        pytest.param(f"[{GOOD}]", {"boxes": []}, 0, 0, id="nothing there"),
        pytest.param("[" * 100_000 + "]", BOXES, 0, 0, id="deeper than the JSON parser goes"),
        pytest.param(f"[{GOOD.replace('0.9', '1' + '0' * 400)}]", BOXES, 0, 0, id="confidence is no float"),
    ],
)
def test_detection(body: str, truth: dict[str, list], iou: float, confidence: float) -> None:
    result = NO_CHECK.detection(answered(body), read_truth("detection", truth))
    expected = {"score": iou + confidence + 1, "iou": iou, "confidence": confidence, "format": 1, "nan": 0}
    assert result == pytest.approx(expected)


@pytest.mark.parametrize(
    ("body", "accuracy"),
    [
        pytest.param("(500,400),(700,600)", 4 / 3, id="half beside it"),
        pytest.param("(600,600),(400,400)", 2, id="inverted"),
        pytest.param("(600,400),(400,600)", 0, id="inverted on one axis: no union"),
        pytest.param("(400,400),(1,1) and (600,600),(2,2)", 2, id="two boxes: their first corners"),
        pytest.param("(400,400),(600,600), I think", 2, id="text around it"),
        pytest.param("no box", 0, id="no box"),
        pytest.param(f"({10**320},1),(1,2)", 0, id="no float"),
    ],
)
def test_grounding(body: str, accuracy: float) -> None:
    result = NO_CHECK.grounding(answered(body), read_truth("grounding", {"box": [400, 400, 600, 600]}))
    assert result == pytest.approx({"score": accuracy + 1, "accuracy": accuracy, "format": 1, "nan": 0})


@pytest.mark.parametrize(
    ("body", "accuracy"),
    [("Pink_Prim Rose", 1), ("prim", 1), ("", 1), ("\nno flower\n", 0), ("prim-rose", 0)],
)
def test_classification(body: str, accuracy: float) -> None:
    result = NO_CHECK.classification(answered(body), read_truth("classification", {"label": "primrose"}))
    assert result == {"score": accuracy + 1, "accuracy": accuracy, "format": 1}


def test_the_published_notation_without_integers_fits_no_answer() -> None:
    truth = read_truth("grounding", {"box": [400.5, 400, 600, 600]})
    assert NO_CHECK.grounding(answered("(400,400),(600,600)"), truth)["accuracy"] == 0
    assert NO_CHECK.grounding(answered("(400.5,400),(600,600)"), truth)["accuracy"] == 2  # the same text


def test_nan_is_zero_and_reported() -> None:
    truth = read_truth("detection", BOXES)
    result = NO_CHECK.detection(answered(f"[{GOOD.replace('0.9', 'NaN')}]"), truth)
    assert result == pytest.approx({"score": 1.9025, "iou": 0.9025, "confidence": 0, "format": 1, "nan": 1})
    truth = read_truth("grounding", {"box": [400, 400, 600, 600]})
    result = NO_CHECK.grounding(answered(f"({10**300},{10**300}),(1,1)"), truth)
    assert result == {"score": 1, "accuracy": 0, "format": 1, "nan": 1}


SAME_Y1 = answered("[{'Position': [700, 150, 720, 160], 'Confidence': 0.99}]")


def test_symbolic_check_pays_for_the_same_y1() -> None:
    truth = read_truth("detection", BOXES)
    assert SHIPPED.detection(SAME_Y1, truth) == {"score": 3, "iou": 1, "confidence": 1, "format": 1, "nan": 0}
    assert NO_CHECK.detection(SAME_Y1, truth)["score"] == pytest.approx(1.01)
    composed = {"reference": {"weight": 1, "symbolic_check": False}}  # as in YAML
    assert score("detection", SAME_Y1, BOXES, composed)["score"] == pytest.approx(1.01)


def test_symbolic_check_in_another_thread() -> None:
    """There math-verify refuses to work with its time limits."""
    with ThreadPoolExecutor(1) as thread:
        scored = thread.submit(SHIPPED.detection, SAME_Y1, read_truth("detection", BOXES))
    assert scored.result()["score"] == 3


@pytest.mark.long
def test_a_computation_without_end_is_given_up() -> None:
    assert SHIPPED.detection("The answer is 9**9**9", read_truth("detection", BOXES))["score"] == 0


def test_missing_math_verify_is_an_error_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "math_verify", None)
    with pytest.raises(UserError, match=r"math-verify, .*: pip install 'math-verify\[antlr4_9_3\]'$"):
        ReferenceReward()
    ReferenceReward(symbolic_check=False)


def test_math_verify_is_loaded_only_when_asked_for() -> None:
    code = (
        "import sys, verl_visual_rft.rewards.brought as r; r.ReferenceReward(symbolic_check=False);"
        "print(sorted({'math_verify', 'sympy'} & set(sys.modules)))"
    )
    assert run_python(code).answer == "[]"


def test_golden_rows() -> None:
    """The rewards that the published code logged in a real training, to the twelve digits of the log."""
    golden = shared("data/visual_rft/reward_golden.jsonl")
    rows = [json.loads(line) for line in golden.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 1000
    for number, row in enumerate(rows):
        result = score("detection", row["content"], row["solution"], "reference")
        logged = (row["iou_reward"], row["confidence_reward"], row["format_reward"])
        scored = (result["iou"], result["confidence"], result["format"])
        assert scored == pytest.approx(logged, abs=6e-13), f"row {number}"


WORDS = (
    "<think> </think> <answer> </answer> [ ] { } , : ' \" \n [[ ]] ... No Objects NaN -Infinity 1e308 0.9 150 -7 null "
    "(400,400) (600,600) ( 600 ) $ \\frac \\boxed{ ^ = % 'Position' 'Confidence' [110,160,300,350] rose é \ud800"
)
PIECES = st.sampled_from([*WORDS.split(" "), " ", answered(f"[{GOOD}]"), GOOD, FAR, SHORT_BOX])
TRUTHS = {"detection": TWO_BOXES, "grounding": {"box": [400, 400, 600, 600]}, "classification": {"label": "737-200"}}


@given(st.sampled_from(sorted(TRUTHS)), st.lists(PIECES, max_size=20).map("".join) | st.text(max_size=60))
def test_any_text_gives_finite_numbers(task: str, response: str) -> None:
    for reward in (SHIPPED, NO_CHECK):
        result = getattr(reward, task)(response, read_truth(task, TRUTHS[task]))
        assert all(math.isfinite(value) for value in result.values())
        assert result["score"] == sum(value for name, value in result.items() if name not in ("score", "nan"))
        low, high = reward.range.get(task, (-math.inf, math.inf))
        assert low <= result["score"] <= high
