# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Average precision on random sets is that of pycocotools, whatever ties, crowds and sizes they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from verl_visual_rft.tasks.detection.metrics.average_precision import coco_average_precision

CATEGORIES = (1, 2, 3)
SEEDS = [*range(15), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(15, 300))]


def random_set(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A few pictures whose truths are none, many, alike or crowds; boxes near them, on whole pixels and far away."""
    rng = np.random.default_rng(seed)
    share_of_crowds, decimals, near = rng.choice([0, 0.1, 0.5]), int(rng.integers(0, 3)), rng.choice([0.5, 3, 20])
    images = [{"id": image_id, "width": 640, "height": 480} for image_id in range(1, int(rng.integers(2, 9)))]
    annotations: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for image in images:
        for category in CATEGORIES:
            place = {"image_id": image["id"], "category_id": category}
            shown = [random_box(rng) for _ in range(int(rng.integers(0, 5)))]
            if shown and rng.random() < 0.2:
                shown.append(shown[0])  # two objects in one place
            for box in shown:
                crowd = int(rng.random() < share_of_crowds)
                entry = {"id": len(annotations) + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": crowd}
                annotations.append(place | entry)
            many = rng.random() < 0.03
            for _ in range(130 if many else int(rng.integers(0, 7))):
                box = shown[int(rng.integers(len(shown)))] if shown and rng.random() < 0.7 else random_box(rng)
                moved = [*(np.array(box[:2]) + rng.normal(0, near, 2)), *(np.array(box[2:]) * rng.uniform(0.8, 1.2, 2))]
                moved = box if rng.random() < 0.2 else [float(round(value, decimals)) for value in moved]
                boxes.append(place | {"bbox": moved, "score": round(float(rng.random()), decimals)})
    categories = [{"id": number, "name": str(number)} for number in CATEGORIES]
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories}, boxes


def random_box(rng: np.random.Generator) -> list[float]:
    """Small, medium or large by COCO's areas; now and then exactly at their borders."""
    side = rng.choice([32.0, 96.0, float(rng.uniform(2, 40)), float(rng.uniform(30, 110)), float(rng.uniform(90, 300))])
    ratio = rng.choice([1.0, float(rng.uniform(0.5, 2))])
    x, y = (round(float(value), 1) for value in rng.uniform(0, 300, 2))
    return [x, y, float(side * ratio), float(side / ratio)]


@pytest.mark.parametrize("seed", SEEDS)
def test_average_precision_is_that_of_pycocotools(seed: int) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    truth, boxes = random_set(seed)
    witness, found = coco.COCO(), coco.COCO()
    witness.dataset, found.dataset = truth, {**truth, "annotations": []}
    witness.createIndex()
    found.createIndex()
    if boxes:  # `loadRes` reads no empty list
        found = witness.loadRes([dict(box) for box in boxes])
    reference = COCOeval(witness, found, "bbox")
    reference.params.catIds = [*CATEGORIES]
    reference.evaluate()
    reference.accumulate()
    reference.summarize()

    evaluation = coco_average_precision(truth, boxes, CATEGORIES)

    figures = [-1 if value is None else value / 100 for value in evaluation.figures.values()]  # as pycocotools has it
    assert figures == pytest.approx(list(reference.stats), abs=1e-9)
    precision = reference.eval["precision"][:, :, :, 0, -1]
    for column, category in enumerate(CATEGORIES):
        of_category = precision[:, :, column]
        ap = evaluation.per_class[category]
        if ap is None:
            assert (of_category == -1).all()
        else:
            assert [ap.ap, ap.ap50, ap.ap75] == pytest.approx(
                [100 * of_category[part].mean() for part in (slice(None), 0, 5)], abs=1e-7
            )
