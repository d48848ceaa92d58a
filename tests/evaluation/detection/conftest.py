# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes for evaluators."""

from __future__ import annotations

import numpy as np
import pytest


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
