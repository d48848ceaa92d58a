# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from verl_visual_rft.rewards import score

TRUTH = {"boxes": [[100, 150, 300, 350]]}
FIVE = {"boxes": [[100, 150, 300, 350]] + [[500 + 50 * i, 500, 540 + 50 * i, 600] for i in range(4)]}
NOTHING: dict[str, list] = {"boxes": []}
GOOD = "[110, 160, 300, 350]"  # IoU 0.9025


def box(position: str, confidence: object) -> str:
    return f"{{'Position': {position}, 'Confidence': {confidence}}}"


def answered(*boxes: str) -> str:
    return f"<think> a cat </think> <answer>[{', '.join(boxes)}]</answer>"


@pytest.mark.parametrize(
    ("response", "truth", "expected"),
    [
        pytest.param(answered(box("[100, 150, 300, 350]", 0.9)), TRUTH, (1, 0.9, 1), id="perfect"),
        pytest.param(answered(box(GOOD, 0.1)), TRUTH, (0.9025, 0.1, 1), id="good box, low confidence"),
        pytest.param(answered(box("[600, 600, 700, 700]", 0.95)), TRUTH, (0, 0.05, 1), id="miss, high confidence"),
        pytest.param(answered(box("[600, 600, 700, 700]", 0)), TRUTH, (0, 1, 1), id="miss with confidence 0"),
        pytest.param(answered(box("[100, 250, 300, 350]", 0.8)), TRUTH, (0.5, 0.8, 1), id="IoU of exactly tau hits"),
        pytest.param(answered(box("[100, 251, 300, 350]", 0.8)), TRUTH, (0, 0.2, 1), id="just below tau"),
        pytest.param(answered(box(GOOD, 0.9)), FIVE, (0.9025, 0.9, 1), id="one of five: missed objects cost nothing"),
        pytest.param(answered(box(GOOD, 0.1), box(GOOD, 0.9)), TRUTH, (0.45125, 0.9, 1), id="duplicate"),
        pytest.param(
            answered(box("[100, 170, 300, 350]", 0.5), box(GOOD, 0.9)), TRUTH, (0.45125, 0.7, 1), id="confident first"
        ),
        pytest.param(answered(box("[300, 350, 110, 160]", 0.9)), TRUTH, (0, 0.1, 1), id="inverted: a miss"),
        pytest.param(
            answered(box(GOOD, 0.9), box("[1, 2, 3]", 0.5)), TRUTH, (0.45125, 0.7, 1), id="one of two not valid: a miss"
        ),
        pytest.param(answered(box(GOOD, "NaN")), TRUTH, (0.9025, 0, 1), id="confidence NaN"),
        pytest.param(answered(box(GOOD, 100)), TRUTH, (0.9025, 0, 1), id="confidence 100"),
        pytest.param(answered(box("[600, 600, 700, 700]", -5)), TRUTH, (0, 0, 1), id="confidence -5 on a miss"),
        pytest.param(answered(box("[1, 2, 3]", "NaN")), TRUTH, (0, 0, 1), id="neither valid"),
        pytest.param(
            answered(box(GOOD, "NaN"), box("[100, 150, 300, 350]", 0.2)), TRUTH, (0.5, 0.1, 1), id="unsure ranks last"
        ),
        pytest.param("<think>a</think> <answer>No Objects</answer>", NOTHING, (1, 1, 1), id="true negative"),
        pytest.param("<think>a</think> <answer>[]</answer>", NOTHING, (1, 1, 1), id="empty list, nothing there"),
        pytest.param(answered(box(GOOD, 0.9), box(GOOD, 0.5)), NOTHING, (0, 0.3, 1), id="false alarm"),
        pytest.param("<think>a</think> <answer>No Objects</answer>", TRUTH, (0, 0, 1), id="false negative"),
        pytest.param("<think>a</think> <answer>cat</answer>", NOTHING, (0, 0, 1), id="malformed is no true negative"),
        pytest.param("The answer is 150", TRUTH, (0, 0, 0), id="no answer"),
        pytest.param("", NOTHING, (0, 0, 0), id="empty"),
        pytest.param(f"[{box(GOOD, 0.9)}]", TRUTH, (0.9025, 0.9, 0), id="no tags"),
        pytest.param(answered(box(GOOD, 0.9)) + "\n", TRUTH, (0.9025, 0.9, 1), id="white space after it"),
        pytest.param(f"<think></think><answer>[{box(GOOD, 0.9)}]</answer>", TRUTH, (0.9025, 0.9, 1), id="empty think"),
    ],
)
def test_paper(response: str, truth: dict[str, list], expected: tuple[float, float, float]) -> None:
    result = score("detection", response, truth, "paper")
    assert (result["iou"], result["confidence"], result["format"]) == pytest.approx(expected)
    assert result["score"] == pytest.approx(sum(expected))
