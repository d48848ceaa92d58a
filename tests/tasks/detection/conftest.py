# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes for evaluators, and the score of one component on responses written from boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from verl_visual_rft.rewards import score


@pytest.fixture
def scene() -> tuple[dict, list[dict]]:
    """30 pictures, three categories with truths (a tenth crowds) and one with crowds only, 120 boxes on one picture.

    Scores have one decimal, so that many are equal.
    """
    rng = np.random.default_rng(0)
    images = [{"id": image_id, "width": 640, "height": 480} for image_id in range(1, 31)]
    annotations, boxes = [], []
    for image in images:
        for category in (1, 2, 3, 3, 4):
            x, y, w, h = (float(value) for value in (*rng.uniform(0, 300, 2), *rng.uniform(10, 150, 2)))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": int(category == 4 or rng.random() < 0.1),
                }
            )
            for _ in range(120 if image["id"] == 1 and category == 1 else 2):
                moved = [*(np.array([x, y]) + rng.normal(0, 6, 2)), *(np.array([w, h]) * rng.uniform(0.8, 1.2, 2))]
                boxes.append(
                    {
                        "image_id": image["id"],
                        "category_id": category,
                        "bbox": list(map(float, moved)),
                        "score": round(float(rng.random()), 1),
                    }
                )
    categories = [{"id": number, "name": str(number)} for number in (1, 2, 3, 4)]
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories}, boxes


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
