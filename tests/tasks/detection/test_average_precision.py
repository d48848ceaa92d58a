# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from statistics import fmean

import pytest
from shared_inputs import shared

from verl_visual_rft.datasets.category_lists import COCO_BASE65, COCO_FEWSHOT8, COCO_NOVEL15
from verl_visual_rft.tasks.detection.metrics.average_precision import coco_average_precision, lvis_average_precision
from verl_visual_rft.tasks.detection.metrics.boxes import LVIS_BOXES, is_federated, strongest


def read(name: str):
    return json.loads(shared(f"data/{name}").read_text())


def test_published_results_on_100_coco_pictures():
    truth, reference = read("coco/instances_val2014_100.json"), read("reference_numbers.json")
    ids = {category["name"]: category["id"] for category in truth["categories"]}

    evaluation = coco_average_precision(
        truth, read("coco/instances_val2014_fakebbox100_results.json"), list(ids.values())
    )

    shares = {name: value / 100 for name, value in evaluation.figures.items()}
    assert len(shares) == 12
    assert shares == pytest.approx(reference["coco_val2014_100_bbox"], abs=1e-9)
    per_class = {name: ap and ap.ap / 100 for name, number in ids.items() for ap in [evaluation.per_class[number]]}
    assert per_class == pytest.approx(reference["coco_val2014_100_bbox_per_class"], abs=1e-9)
    groups = {"few8": COCO_FEWSHOT8, "novel15": COCO_NOVEL15, "base65": COCO_BASE65, "all80": tuple(ids)}
    present = {
        name: [per_class[member] for member in group if per_class[member] is not None] for name, group in groups.items()
    }
    means = {f"{name} ({len(values)} present)": fmean(values) for name, values in present.items()}
    assert means == pytest.approx(reference["coco_val2014_100_bbox_class_means"], abs=1e-9)


def test_lvis_rules_on_100_pictures():
    truth, boxes, reference = (
        read(name)
        for name in ("lvis/lvis_val_100.json", "lvis/lvis_results_100_synthetic.json", "reference_numbers.json")
    )
    ids = {category["name"]: category["id"] for category in truth["categories"]}

    evaluation = lvis_average_precision(truth, boxes, list(ids.values()))

    shares = {name: value / 100 for name, value in evaluation.figures.items()}
    assert shares == pytest.approx(reference["lvis_val_100_synthetic"], abs=1e-9)
    expected = reference["lvis_val_100_synthetic_per_class"]
    per_class = {name: ap.ap / 100 for name, number in ids.items() if (ap := evaluation.per_class[number])}
    assert per_class == pytest.approx(expected, abs=1e-9)
    plain = coco_average_precision(truth, boxes, list(ids.values()))
    assert plain.figures["AP"] / 100 == pytest.approx(0.3303824483953968, abs=1e-9), "the federated rules decide"


def test_lvis_truth_given_as_predictions_is_perfect():
    truth = read("lvis/lvis_val_100.json")
    boxes = [
        {key: given[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0}
        for given in truth["annotations"]
    ]
    evaluation = lvis_average_precision(truth, boxes, [category["id"] for category in truth["categories"]])
    shares = {name: value / 100 for name, value in evaluation.figures.items()}
    assert shares == pytest.approx(read("reference_numbers.json")["lvis_val_100_gt_as_prediction"], abs=1e-9)


def test_lvis_restricted_to_some_categories():
    truth, boxes = read("lvis/lvis_val_100.json"), read("lvis/lvis_results_100_synthetic.json")
    names = ("banana", "cow", "carrot", "green_onion", "pole", "shoe", "book", "wheel")
    ids = [category["id"] for category in truth["categories"] if category["name"] in names]
    assert lvis_average_precision(truth, boxes, ids).figures["AP"] / 100 == pytest.approx(0.3792788186656753, abs=1e-9)


def test_agrees_with_pycocotools_on_crowds_ties_and_crowded_pictures(scene):
    pycocotools = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    truth, boxes = scene
    witness = pycocotools.COCO()
    witness.dataset = truth
    witness.createIndex()
    reference = COCOeval(witness, witness.loadRes([dict(box) for box in boxes]), "bbox")
    reference.evaluate()
    reference.accumulate()
    reference.summarize()
    precision = reference.eval["precision"][:, :, :, 0, -1]

    evaluation = coco_average_precision(truth, boxes, [1, 2, 3, 4])

    assert [value / 100 for value in evaluation.figures.values()] == pytest.approx(list(reference.stats), abs=1e-9)
    for column, category in enumerate([1, 2, 3]):
        ap = evaluation.per_class[category]
        expected = [100 * precision[part, :, column].mean() for part in (slice(None), 0, 5)]
        assert [ap.ap, ap.ap50, ap.ap75] == pytest.approx(expected, abs=1e-9)
    assert evaluation.per_class[4] is None, "only crowds: no ground truth"


def test_inputs_are_left_as_they_were(scene):
    before = json.dumps(scene)
    coco_average_precision(*scene, [1, 2, 3, 4])
    assert json.dumps(scene) == before


def test_no_box_at_all_is_ap_zero(scene):
    per_class = coco_average_precision(scene[0], [], [1, 2, 3, 4]).per_class
    assert [ap and ap.ap for ap in per_class.values()] == [0.0, 0.0, 0.0, None]


@pytest.mark.parametrize("first_annotation", [0, 1])
def test_ids_of_pictures_may_be_text_and_annotations_may_begin_at_zero(scene, first_annotation):
    truth, boxes = scene
    expected = coco_average_precision(truth, boxes, [1, 2, 3])
    name = "photos/{:02}.jpg".format
    renamed = {
        **truth,
        "images": [{**image, "id": name(image["id"])} for image in truth["images"]],
        "annotations": [
            {**annotation, "id": first_annotation + place, "image_id": name(annotation["image_id"])}
            for place, annotation in enumerate(truth["annotations"])
        ],
    }
    assert (
        coco_average_precision(renamed, [{**b, "image_id": name(b["image_id"])} for b in boxes], [1, 2, 3]) == expected
    )


def lvis_truth(**image_keys) -> dict:
    """A large and a small object of category 1 in picture 1; picture 2 as the keys say."""
    return {
        "images": [
            {"id": 1, "width": 640, "height": 480, "neg_category_ids": [], "not_exhaustive_category_ids": []},
            {"id": 2, "width": 640, "height": 480, "neg_category_ids": [], "not_exhaustive_category_ids": []}
            | image_keys,
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 200, 200], "area": 40000},
            {"id": 2, "image_id": 1, "category_id": 1, "bbox": [300, 0, 10, 10], "area": 100},
        ],
        "categories": [{"id": 1, "name": "omelet", "frequency": "r"}],
    }


def found(image: int, *bbox: float, score: float) -> dict:
    return {"image_id": image, "category_id": 1, "bbox": list(bbox), "score": score}


BOTH = [found(1, 0, 0, 200, 200, score=0.5), found(1, 300, 0, 10, 10, score=0.4)]
STRAY = found(2, 0, 0, 50, 50, score=0.9)


@pytest.mark.parametrize(
    ("keys", "ap"),
    [
        ({}, 100.0),  # nobody looked for it there
        ({"neg_category_ids": [1]}, 200 / 3),  # a false alarm before both objects: precision at best 2 of 3
    ],
)
def test_lvis_counts_a_false_alarm_only_where_the_category_was_looked_for(keys, ap):
    per_class = lvis_average_precision(lvis_truth(**keys), [*BOTH, STRAY], [1]).per_class
    assert per_class[1].ap == pytest.approx(ap)


def test_lvis_counts_no_false_alarm_where_objects_may_lack_boxes():
    truth = lvis_truth()
    surplus = found(1, 400, 300, 50, 50, score=0.9)
    assert lvis_average_precision(truth, [*BOTH, surplus], [1]).per_class[1].ap == pytest.approx(200 / 3)
    truth["images"][0]["not_exhaustive_category_ids"] = [1]
    assert lvis_average_precision(truth, [*BOTH, surplus], [1]).per_class[1].ap == pytest.approx(100.0)


def test_published_averaging_over_areas():
    ap = lvis_average_precision(lvis_truth(), BOTH[:1], [1]).per_class[1]
    half = 100 * 51 / 101  # half the recall points are reached
    assert ap.ap == pytest.approx(half)
    # No medium object; the small one is missed, the large one found.
    assert ap.ap_over_areas == pytest.approx((half + 0 + 100) / 3)


def test_lvis_keeps_the_strongest_boxes_of_a_picture_whatever_their_categories():
    truth = lvis_truth()
    truth["categories"].append({"id": 2, "name": "die", "frequency": "r"})
    flood = [{**found(1, 0, 0, 1, 1, score=0.6), "category_id": 2}] * LVIS_BOXES
    assert lvis_average_precision(truth, [*BOTH, *flood[1:]], [1, 2]).per_class[1].ap == pytest.approx(100 * 51 / 101)
    assert lvis_average_precision(truth, [*BOTH, *flood], [1, 2]).per_class[1].ap == 0.0
    kept = strongest([*BOTH, *flood])
    assert len(kept) == LVIS_BOXES and {box["score"] for box in kept} == {0.6}


def test_federated_annotations_are_recognised(scene):
    assert is_federated(lvis_truth())
    assert not is_federated(scene[0])
