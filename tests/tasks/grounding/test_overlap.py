# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from overlap_by_hand import HALF_DIOU, ONE, SIMILARITIES, V

from verl_visual_rft.rewards import score


@pytest.fixture(scope="session")
def grounding_score() -> Callable[..., float]:
    """Score the text of a grounding answer by one component."""

    def scored(component: str, answer: str, truth: Sequence[float], **options: Any) -> float:
        response = f"<think> the cup </think> <answer>{answer}</answer>"
        return score("grounding", response, {"box": truth}, {component: {"weight": 1, **options}})[component]

    return scored


@pytest.mark.parametrize(
    ("component", "answer", "expected"),
    [
        pytest.param("iou", "(100,100),(300,300)", 1, id="iou: perfect"),
        pytest.param("iou", "(100,100),(300,120)", 0.1, id="iou: no threshold"),
        pytest.param("iou", "(900,900),(1000,1000)", 0, id="iou: far"),
        pytest.param("giou", "(100,100),(300,200)", 0.75, id="giou: half"),
        pytest.param("diou", "(100,100),(300,200)", (HALF_DIOU + 1) / 2, id="diou: half"),
        pytest.param("ciou", "(100,100),(300,200)", (HALF_DIOU - V**2 / (0.5 + V) + 1.5) / 2.5, id="ciou: half"),
        pytest.param("l1", "(100,100),(300,200)", 0.975, id="l1: half"),
    ],
)
def test_grounding(grounding_score: Any, component: str, answer: str, expected: float) -> None:
    assert grounding_score(component, answer, ONE[0]) == pytest.approx(expected)


@pytest.mark.parametrize("component", ["iou", *SIMILARITIES])
@pytest.mark.parametrize(
    "answer", ["", "here", "(300,300),(100,100)", "(100,100),(3000,300)", "(100,100),(300,300) (100,100),(300,300)"]
)
def test_grounding_pays_exactly_one_valid_box(grounding_score: Any, component: str, answer: str) -> None:
    assert grounding_score(component, answer, ONE[0]) == 0
