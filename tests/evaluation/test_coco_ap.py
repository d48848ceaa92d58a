# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from verl_visual_rft.evaluation.coco_ap import average_precision_by_class

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.skipif(not SHARED.is_dir(), reason="reference data (../shared/data) is not on this machine")
def test_published_results_on_100_coco_pictures():
    truth = json.loads((SHARED / "coco" / "instances_val2014_100.json").read_text())
    boxes = json.loads((SHARED / "coco" / "instances_val2014_fakebbox100_results.json").read_text())
    reference = json.loads((SHARED / "reference_numbers.json").read_text())
    ids = {category["name"]: category["id"] for category in truth["categories"]}

    by_id = average_precision_by_class(truth, boxes, list(ids.values()))

    for name, expected in reference["coco_val2014_100_bbox_per_class"].items():
        ap = by_id[ids[name]]
        assert (None if ap is None else ap.ap / 100) == pytest.approx(expected, abs=1e-9), name
    present = [ap for ap in by_id.values() if ap is not None]
    assert len(present) == 70
    means = {key: sum(getattr(ap, key.lower()) for ap in present) / 7000 for key in ("AP", "AP50", "AP75")}
    assert means == pytest.approx({key: reference["coco_val2014_100_bbox"][key] for key in means}, abs=1e-9)


def test_agrees_with_pycocotools_on_crowds_ties_and_crowded_pictures():
    pycocotools = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    truth, boxes = _random_scene(np.random.default_rng(0))
    witness = pycocotools.COCO()
    witness.dataset = truth
    witness.createIndex()
    evaluation = COCOeval(witness, witness.loadRes([dict(box) for box in boxes]), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]

    by_id = average_precision_by_class(truth, boxes, [1, 2, 3, 4])

    for column, category in enumerate([1, 2, 3]):
        ap = by_id[category]
        expected = [100 * precision[part, :, column].mean() for part in (slice(None), 0, 5)]
        assert [ap.ap, ap.ap50, ap.ap75] == pytest.approx(expected, abs=1e-9)
    assert by_id[4] is None, "only crowds: no ground truth"


def test_no_box_at_all_is_ap_zero():
    truth, _ = _random_scene(np.random.default_rng(0))
    assert [ap and ap.ap for ap in average_precision_by_class(truth, [], [1, 2, 3, 4]).values()] == [
        0.0,
        0.0,
        0.0,
        None,
    ]


def _random_scene(rng: np.random.Generator) -> tuple[dict, list[dict]]:
    """30 pictures, three categories with truths (a tenth crowds) and one with crowds only, 120 boxes on one picture."""
    images = [{"id": image_id, "width": 640, "height": 480} for image_id in range(1, 31)]
    annotations, boxes = [], []
    for image in images:
        for category in (1, 2, 3, 3, 4):
            x, y, w, h = (float(value) for value in (*rng.uniform(0, 300, 2), *rng.uniform(10, 150, 2)))
            crowd = int(category == 4 or rng.random() < 0.1)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": crowd,
                    "segmentation": [],
                }
            )
            for _ in range(120 if image["id"] == 1 and category == 1 else 2):
                moved = [
                    x + rng.normal(0, 6),
                    y + rng.normal(0, 6),
                    w * rng.uniform(0.8, 1.2),
                    h * rng.uniform(0.8, 1.2),
                ]
                # Scores of one decimal, so that many are equal.
                score = round(float(rng.random()), 1)
                boxes.append({"image_id": image["id"], "category_id": category, "bbox": moved, "score": score})
    categories = [{"id": i, "name": str(i)} for i in (1, 2, 3, 4)]
    return {"images": images, "annotations": annotations, "categories": categories}, boxes
