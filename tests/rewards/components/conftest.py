# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Responses written from boxes, and the score of one component on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from verl_visual_rft.rewards import score

Score = Callable[..., float]


def written(position: Sequence[float], confidence: Any) -> str:
    return f"{{'Position': {list(position)}, 'Confidence': {confidence}}}"


@pytest.fixture(scope="session")
def detection_score() -> Score:
    """Score pairs of box and confidence, or a whole answer text, by one component."""

    def scored(component: str, answer: Any, truths: Sequence[Any], **options: Any) -> float:
        body = answer if isinstance(answer, str) else f"[{', '.join(written(*pair) for pair in answer)}]"
        response = f"<think> a cat </think> <answer>{body}</answer>"
        result = score("detection", response, {"boxes": list(truths)}, {component: {"weight": 1, **options}})
        assert result["score"] == result[component]
        return result[component]

    return scored


@pytest.fixture(scope="session")
def grounding_score() -> Score:
    """Score the text of a grounding answer by one component."""

    def scored(component: str, answer: str, truth: Sequence[float], **options: Any) -> float:
        response = f"<think> the cup </think> <answer>{answer}</answer>"
        return score("grounding", response, {"box": truth}, {component: {"weight": 1, **options}})[component]

    return scored
