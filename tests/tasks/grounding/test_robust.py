# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from verl_visual_rft.rewards import score

BOXES = {
    "(400,400),(600,600)": (1, 1),
    "(400,400),(600,500)": (0.5, 0.75**2),
    "(0,0),(100,100)": (0, 0.06944**2),
    "(0,0),(1000,1000)": (0.04, 0.52**2),
    "(600,600),(400,400)": (0, 0),
    "(999,999),(1,1)": (0, 0),
    "(5000,5000),(1,1)": (0, 0),
    "(400,400),(400,400)": (0, 0),
    "(400,400),(600,600),(0,0),(10,10)": (0, 0),
    "nowhere": (0, 0),
    "": (0, 0),
}


@pytest.mark.parametrize("answer", BOXES)
def test_grounding(answer: str) -> None:
    response = f"<think> the red one </think> <answer>{answer}</answer>"
    result = score("grounding", response, {"box": [400, 400, 600, 600]}, "robust")
    assert (result["iou"], result["giou"]) == pytest.approx(BOXES[answer], abs=1e-4)
    assert result["score"] == pytest.approx(result["iou"] + result["giou"] + 0.5 * result["format"])
    assert result["format"] == float(result["outcome_well_formed"])
