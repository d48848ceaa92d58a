# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import numpy as np
import pytest
from shared_inputs import shared

from verl_visual_rft.evaluation.bootstrap import resample_counts
from verl_visual_rft.tasks.detection.metrics.average_precision import coco_average_precision, lvis_average_precision
from verl_visual_rft.tasks.detection.metrics.matching import match_boxes
from verl_visual_rft.tasks.detection.metrics.resampling import resampled_ap


def test_every_picture_once_is_the_evaluators_ap(scene):
    matches = match_boxes(*scene, [1, 2, 3, 4])
    once = np.ones((1, 30), dtype=int)
    for category, ap in coco_average_precision(*scene, [1, 2, 3, 4]).per_class.items():
        resampled = resampled_ap(matches[category], once)[0]
        if ap is None:
            assert np.isnan(resampled).all()
        else:
            assert [resampled.mean(), resampled[0], resampled[5]] == pytest.approx([ap.ap, ap.ap50, ap.ap75], abs=1e-9)


def test_every_picture_once_is_the_evaluators_ap_on_lvis():
    truth = json.loads(shared("data/lvis/lvis_val_100.json").read_text())
    boxes = json.loads(shared("data/lvis/lvis_results_100_synthetic.json").read_text())
    ids = [category["id"] for category in truth["categories"]]
    matches = match_boxes(truth, boxes, ids)
    once = np.ones((1, len(truth["images"])), dtype=int)
    expected = {number: ap and ap.ap for number, ap in lvis_average_precision(truth, boxes, ids).per_class.items()}
    resampled = {number: float(resampled_ap(matches[number], once).mean()) for number in ids}
    assert {n: None if np.isnan(ap) else ap for n, ap in resampled.items()} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("levels", [1, 2, 3, 10, 1000])
def test_a_resample_is_what_copies_of_the_pictures_give(scene, levels):
    """Whether confidences are often equal, inside a picture and across pictures, or never."""
    truth, boxes = scene
    ranks = np.random.default_rng(levels).permutation(len(boxes))
    boxes = [{**box, "score": int(rank * levels / len(boxes)) / levels} for rank, box in zip(ranks, boxes, strict=True)]
    matches = match_boxes(truth, boxes, [1, 2, 3])
    counts = resample_counts(30, resamples=5, seed=3)
    for row, draw in enumerate(counts):
        copied = coco_average_precision(*copies(truth, boxes, draw), [1, 2, 3]).per_class
        for category, match in matches.items():
            resampled = resampled_ap(match, counts)[row]
            assert resampled.mean() == pytest.approx(copied[category].ap, abs=1e-9)


def test_a_resample_without_objects_has_no_ap(scene):
    matches = match_boxes(*scene, [1])
    draw = np.where(matches[1].truths > 0, 0, 1)[None]
    assert np.isnan(resampled_ap(matches[1], draw)).all()


def copies(truth: dict, boxes: list[dict], draw: np.ndarray) -> tuple[dict, list[dict]]:
    """Each picture as often as it was drawn, the copies side by side, with ids of their own."""
    pictures = [
        (image["id"], 100 * image["id"] + copy)
        for image, n in zip(truth["images"], draw, strict=True)
        for copy in range(n)
    ]

    def of(entries: list[dict]) -> list[dict]:
        return [{**entry, "image_id": new} for old, new in pictures for entry in entries if entry["image_id"] == old]

    annotations = [{**annotation, "id": place} for place, annotation in enumerate(of(truth["annotations"]), start=1)]
    return {**truth, "images": [{"id": new} for _, new in pictures], "annotations": annotations}, of(boxes)
