# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from verl_visual_rft.rewards import score


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("(450,450),(650,650)", 22500 / 57500), ("(0,0),(100,100)", 0), ("(600,600),(400,400)", 0), ("", 0),
     ("(400,400),(600,600),(400,400),(600,600)", 0), ("\n( 400 , 400 ) , ( 600 , 600 )\n", 1)],
)  # fmt: skip
def test_grounding(answer: str, expected: float) -> None:
    truth = {"box": [400, 400, 600, 600]}
    result = score("grounding", f"<think> red </think> <answer>{answer}</answer>", truth, "paper")
    assert (result["iou"], result["score"]) == pytest.approx((expected, expected + 1))


@pytest.mark.parametrize(
    ("answer", "iou"),
    [
        ("box: (400,400),(600,600)", 1),
        ("\u4f4d\u7f6e\uff1a(400,400),(600,600)", 1),
        ("(400,400),(600,600)\u3002\uff08\u676f\uff09", 1),
        ("\uff08400\uff0c400\uff09\uff0c\uff08600\uff0c600\uff09", 0),
        ("(400,400)\uff0c(600,600)", 0),
        ("(400.0,400),(600,600)", 0),
        ("(400,400) (600,600)", 0),
    ],
)
def test_a_pair_counts_where_the_published_expression_finds_it(answer: str, iou: float) -> None:
    response = f"<think> red </think> <answer>{answer}</answer>"
    assert score("grounding", response, {"box": [400, 400, 600, 600]}, "paper")["iou"] == iou
    assert score("grounding", response, {"box": [400, 400, 600, 600]}, "reference")["accuracy"] == 2 * iou  # GIoU + 1
