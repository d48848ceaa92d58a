# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_answers import BOXES, FAR, GOOD, NO_CHECK, SHORT_BOX, TWO_BOXES, answered

from verl_visual_rft.doctor.finding import run_python
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import score
from verl_visual_rft.rewards.brought import ReferenceReward
from verl_visual_rft.tasks import read_truth

SHIPPED = ReferenceReward()


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
