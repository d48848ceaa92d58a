# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from reference_answers import BOXES, FAR, GOOD, NO_CHECK, SHORT_BOX, TWO_BOXES, answered
from shared_inputs import shared

from verl_visual_rft.rewards import score
from verl_visual_rft.tasks import read_truth


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
