# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import io
import json

import pytest
from shared_inputs import shared

from verl_visual_rft.datasets.category_lists import (
    COCO_BASE65,
    COCO_FEWSHOT8,
    COCO_NOVEL15,
    LVIS_FEWSHOT6,
    LVIS_NOVEL13,
)
from verl_visual_rft.datasets.existence_map import ExistenceMap, read_existence_map
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.existence import (
    annotated_truth,
    ap_ceiling,
    oracle_map,
    says_present,
    stage_quality,
)


@pytest.mark.parametrize(
    ("response", "present"),
    [
        ("Yes", True),
        ("no.", False),
        ("<think> yes or no? </think> <answer>No</answer>", False),
        ("<think> no idea </think> YES, there are two", True),
        ("Nothing of the kind", None),
        ("I know", None),
        ("", None),
    ],
)
def test_yes_and_no(response, present):
    assert says_present(response) is present


def _annotations() -> dict:
    def box(number, image_id, category_id, crowd=0):
        return {"id": number, "image_id": image_id, "category_id": category_id, "bbox": [0, 0, 9, 9], "iscrowd": crowd}

    return {
        "images": [{"id": 1}, {"id": 2}],
        "categories": [{"id": 5, "name": "cat"}, {"id": 6, "name": "dog"}, {"id": 7, "name": "emu"}],
        "annotations": [box(1, 1, 5), box(2, 1, 5), box(3, 2, 5), box(4, 1, 6, crowd=1)],
    }


def test_truth_of_coco():
    assert annotated_truth(_annotations()) == {
        ("1", "cat"): True,
        ("1", "emu"): False,
        ("2", "cat"): True,
        ("2", "dog"): False,
        ("2", "emu"): False,
    }, "a crowd alone says neither"


def test_truth_of_lvis_is_what_was_looked_for():
    annotations = _annotations()
    annotations["images"] = [{"id": 1, "neg_category_ids": [7]}, {"id": 2, "neg_category_ids": []}]
    assert annotated_truth(annotations) == {("1", "cat"): True, ("1", "emu"): False, ("2", "cat"): True}


def test_quality_of_a_stage():
    stage = ExistenceMap("map", {"1": frozenset({"cat", "dog", "emu"}), "2": frozenset({"emu"})})
    quality = stage_quality(stage, annotated_truth(_annotations()))
    assert (quality.pairs, quality.claimed, quality.precision, quality.recall) == (5, 3, 1 / 3, 1 / 2)


def test_quality_of_a_stage_that_sees_nothing():
    quality = stage_quality(ExistenceMap("map", {"1": frozenset(), "2": frozenset()}), annotated_truth(_annotations()))
    assert (quality.precision, quality.recall) == (None, 0.0)


def test_ceiling_is_the_share_of_recall_points():
    stage = ExistenceMap("map", {"1": frozenset({"cat"}), "2": frozenset()})
    # Recall 2/3: the points 0.00 to 0.66 of 101. The category of crowds and that of nothing have none.
    assert ap_ceiling(stage, _annotations()) == {"cat": pytest.approx(100 * 67 / 101), "dog": None, "emu": None}
    nothing = ExistenceMap("map", {"1": frozenset(), "2": frozenset()})
    assert ap_ceiling(nothing, _annotations())["cat"] == 0.0


def test_the_oracle_is_no_limit():
    stage = oracle_map(_annotations())
    assert ap_ceiling(stage, _annotations())["cat"] == 100.0
    quality = stage_quality(stage, annotated_truth(_annotations()))
    assert (quality.precision, quality.recall) == (1.0, 1.0)


def test_a_picture_that_the_map_does_not_know():
    with pytest.raises(UserError, match="map says nothing about image 1"):
        ap_ceiling(ExistenceMap("map", {}), _annotations())


# The published maps and a part of COCO val2017.


def _published(name: str) -> ExistenceMap:
    return read_existence_map(shared(f"data/visual_rft/exist_map_{name}_baseline.json"))


@pytest.mark.parametrize(
    ("name", "pictures", "categories", "pairs"),
    [
        ("coco_Qwen2_vl_2B", 5000, COCO_NOVEL15, 2224),
        ("coco_Qwen2_vl_7B", 5000, COCO_NOVEL15, 1621),
        ("coco_Qwen2_vl_2B", 5000, COCO_FEWSHOT8, 1608),
        ("coco_Qwen2_vl_7B", 5000, COCO_FEWSHOT8, 1299),
        ("coco_Qwen2_vl_2B", 5000, COCO_BASE65, 22843),
        ("coco_Qwen2_vl_7B", 5000, COCO_BASE65, 15381),
        ("lvis_Qwen2_vl_2B", 19809, LVIS_FEWSHOT6, 6926),
        ("lvis_Qwen2_vl_7B", 19809, LVIS_FEWSHOT6, 2611),
        ("lvis_Qwen2_vl_2B", 19809, LVIS_NOVEL13, 14506),
        ("lvis_Qwen2_vl_7B", 19809, LVIS_NOVEL13, 5381),
    ],
)
def test_published_maps_ask_as_many_questions_as_the_published_evaluation(name, pictures, categories, pairs):
    stage = _published(name)
    assert len(stage.present) == pictures
    assert sum(len(held & {*categories}) for held in stage.present.values()) == pairs


def test_published_responses_of_the_2b_model_are_to_what_its_map_claims():
    stage = _published("coco_Qwen2_vl_2B")
    lines = shared("data/visual_rft/coco_infer_responses_2b.jsonl").read_text().splitlines()
    asked = [record for line in lines if (record := json.loads(line)).get("image_id") and record.get("category")]
    assert len(asked) == 231
    assert all(stage.claims((str(record["image_id"]), record["category"])) for record in asked)


@pytest.mark.parametrize("name", ["coco_Qwen2_vl_2B", "coco_Qwen2_vl_7B"])
def test_ceiling_is_the_ap_of_the_perfect_detector_by_pycocotools(name):
    coco, evaluator = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    stage = _published(name)
    file = shared("data/visual_rft/instances_val2017_subset.json")
    annotations = json.loads(file.read_bytes())
    names = {category["id"]: category["name"] for category in annotations["categories"]}
    perfect = [
        {"image_id": box["image_id"], "category_id": box["category_id"], "bbox": box["bbox"], "score": 1.0}
        for box in annotations["annotations"]
        if not box["iscrowd"] and stage.claims((str(box["image_id"]), names[box["category_id"]]))
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(file))
        evaluation = evaluator.COCOeval(truth, truth.loadRes(perfect), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    ceiling = ap_ceiling(stage, annotations)
    assert {name for name, ap in ceiling.items() if ap is None} == {
        names[category] for i, category in enumerate(evaluation.params.catIds) if (precision[:, :, i] < 0).all()
    }
    witness = {
        names[category]: 100 * precision[:, :, i].mean()
        for i, category in enumerate(evaluation.params.catIds)
        if ceiling[names[category]] is not None
    }
    assert len(witness) > 10
    assert {name: ap for name, ap in ceiling.items() if ap is not None} == pytest.approx(witness, abs=1e-9)
