# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the LVIS reader on a made file of v1's form, and of its refusal of the real v0.5."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faster_coco_eval import COCO, COCOeval_faster
from shared_inputs import shared

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.datasets.category_lists import LVIS_FEWSHOT6, LVIS_NOVEL13
from verl_visual_rft.datasets.coco_reading import CocoReading
from verl_visual_rft.datasets.existence_map import ExistenceMap
from verl_visual_rft.datasets.readers.lvis import (
    NOBODY_LOOKED,
    V1_IDS,
    claimed_questions,
    evaluation_questions,
    federated_annotations,
    find_annotations,
    load_lvis,
    training_questions,
)
from verl_visual_rft.datasets.sampling import EMPTY_BOX
from verl_visual_rft.errors import UserError

REAL_V05 = "data/lvis/lvis_val_100.json"

# Training images of each category in lvis_v1_train.json.
TRAIN_IMAGES = {"horse_buggy": 9, "die": 8, "kitchen_table": 10, "omelet": 7, "papaya": 10, "stepladder": 5}


def categories() -> list[dict[str, Any]]:
    names = {v1_id: name for name, v1_id in V1_IDS.items()}
    return [
        {"id": i, "name": names.get(i, f"thing_{i}"), "frequency": "r" if i in names else "f"} for i in range(1, 1204)
    ]


def image(image_id: int, folder: str = "train2017", negative: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "id": image_id,
        "coco_url": f"http://images.cocodataset.org/{folder}/{image_id:012d}.jpg",
        "width": 640,
        "height": 480,
        "neg_category_ids": [V1_IDS[name] for name in negative],
        "not_exhaustive_category_ids": [],
    }


def box(annotation_id: int, image_id: int, name: str, bbox: tuple[float, ...] = (64, 48, 320, 240)) -> dict[str, Any]:
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": V1_IDS[name],
        "bbox": [*bbox],
        "area": 9.5,
        "segmentation": [[64, 48, 320, 48, 320, 240]],
    }


def train_content() -> dict[str, Any]:
    """All images of the six categories; image 1 shows two of them and a second papaya, all show a thirteenth."""
    images = [image(i) for i in range(1, 49)]
    owners = iter(range(1, 49))
    shown = [(next(owners), name) for name, count in TRAIN_IMAGES.items() for _ in range(count - (name == "papaya"))]
    annotations = [box(i, *pair) for i, pair in enumerate([*shown, (1, "papaya")], start=1)]
    annotations.append(box(90, 1, "papaya", (0, 0, 64, 48)))
    annotations += [box(100 + i, i, "mallet") for i in range(1, 49)]
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories()}


def val_content() -> dict[str, Any]:
    """One image with two dice, one with an omelet and without a die, one where nothing is known."""
    images = [image(1, "val2017"), image(2, "train2017", ("die", "horse_buggy")), image(3)]
    images[0]["not_exhaustive_category_ids"] = [V1_IDS["die"], 7]
    annotations = [box(1, 1, "die"), box(2, 1, "die", (0, 0, 32, 48)), box(3, 2, "omelet")]
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories()}


def written(folder: Path, content: dict[str, Any], split: str = "train") -> Path:
    path = folder / f"lvis_v1_{split}.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("shots", [10, None])
def test_all_images_of_the_six_categories_are_the_papers_49_pairs(tmp_path: Path, shots: int | None) -> None:
    dataset = load_lvis(written(tmp_path, train_content()))
    drawn = training_questions(dataset, tmp_path, LVIS_FEWSHOT6, shots, seed=0)
    assert Counter(question.category for question in drawn.questions) == TRAIN_IMAGES
    assert len(drawn.questions) == 49
    two = next(q for q in drawn.questions if (q.picture.id, q.category) == ("1", "papaya"))
    assert two.boxes == ((64, 48, 384, 288), (0, 0, 64, 48))


def test_fewer_shots_are_nested_and_a_smaller_category_gives_all_it_has(tmp_path: Path) -> None:
    dataset = load_lvis(written(tmp_path, train_content()))
    six = training_questions(dataset, tmp_path, LVIS_FEWSHOT6, shots=6, seed=3).questions
    assert Counter(question.category for question in six) == {name: min(6, n) for name, n in TRAIN_IMAGES.items()}
    assert set(training_questions(dataset, tmp_path, LVIS_FEWSHOT6, shots=2, seed=3).questions) < set(six)


def test_negatives_are_pictures_in_which_lvis_looked_in_vain(tmp_path: Path) -> None:
    content = train_content()
    listed = {(100 + i, ("die", "omelet", "mallet")[i % 3]) for i in range(30)}
    content["images"] += [image(i, negative=(name,)) for i, name in sorted(listed)] + [
        image(i) for i in range(200, 300)
    ]
    dataset = load_lvis(written(tmp_path, content))

    def draw(seed: int, negatives: float) -> set[tuple[int, str]]:
        drawn = training_questions(dataset, tmp_path, LVIS_FEWSHOT6, 10, seed, negatives).questions
        assert len({(question.picture.id, question.category) for question in drawn}) == len(drawn)
        absent = {(int(question.picture.id), question.category) for question in drawn if not question.boxes}
        assert len(drawn) - len(absent) == 49
        return absent

    assert draw(0, 0.0) == set()
    assert len(draw(0, 0.2)) == 12 and draw(0, 0.2) < {pair for pair in listed if pair[1] != "mallet"}
    assert draw(0, 0.2) == draw(0, 0.2) != draw(1, 0.2)
    with pytest.raises(UserError, match=r"49 negatives are more than the 20 pairs that 'neg_category_ids'"):
        draw(0, 0.5)


def test_the_folder_of_an_image_is_that_of_its_url(tmp_path: Path) -> None:
    dataset = load_lvis(written(tmp_path, val_content(), "val"))
    asked = evaluation_questions(dataset, tmp_path, LVIS_NOVEL13, verified_absent=False).questions
    assert [question.picture.path.relative_to(tmp_path).as_posix() for question in asked] == [
        "val2017/000000000001.jpg",
        "train2017/000000000002.jpg",
    ]
    assert asked[0].picture.name == "val2017/000000000001.jpg"


@pytest.mark.parametrize(
    ("verified_absent", "expected"),
    [
        (False, [("1", "die", 2), ("2", "omelet", 1)]),
        (True, [("1", "die", 2), ("2", "die", 0), ("2", "omelet", 1)]),
    ],
)
def test_absent_is_only_what_lvis_looked_for(
    tmp_path: Path, verified_absent: bool, expected: list[tuple[str, str, int]]
) -> None:
    dataset = load_lvis(written(tmp_path, val_content(), "val"))
    asked = evaluation_questions(dataset, tmp_path, LVIS_NOVEL13, verified_absent).questions
    assert [(question.picture.id, question.category, len(question.boxes)) for question in asked] == expected


def existence_map(**present: str) -> ExistenceMap:
    """``image_1="die omelet"`` says that these two are in image 1."""
    return ExistenceMap("map", {key.removeprefix("image_"): frozenset(names.split()) for key, names in present.items()})


def test_a_map_asks_about_its_pairs_where_the_truth_is_known(tmp_path: Path) -> None:
    dataset = load_lvis(written(tmp_path, val_content(), "val"))
    stage = existence_map(image_1="omelet", image_2="die omelet horse_buggy", image_3="die")
    chosen = claimed_questions(dataset, tmp_path, LVIS_NOVEL13, stage)
    asked = [(question.picture.id, question.category, len(question.boxes)) for question in chosen.questions]
    assert asked == [("2", "die", 0), ("2", "omelet", 1)]
    assert {(skip.rule, skip.where) for skip in chosen.skips} == {
        (NOBODY_LOOKED, "lvis_v1_val.json: val2017/000000000001.jpg, 'omelet'"),
        (NOBODY_LOOKED, "lvis_v1_val.json: train2017/000000000003.jpg, 'die'"),
    }
    assert chosen.images == {1, 2}, "the dice of image 1 are missed"


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (existence_map(image_1="die", image_2="die"), "says nothing about 1 of the 3 pictures"),
        (existence_map(image_1="dice", image_2="", image_3="horse_buggy"), "calls none of the categories"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(tmp_path: Path, stage: ExistenceMap, message: str) -> None:
    dataset = load_lvis(written(tmp_path, val_content(), "val"))
    with pytest.raises(UserError, match=message):
        claimed_questions(dataset, tmp_path, LVIS_NOVEL13, stage)


def stored_truth(path: Path) -> dict[str, Any]:
    """The truth about images 1 and 2, as a reader of the JSON file gets it."""
    placements = {image_id: Placement((640, 480), (640, 480)) for image_id in (2, 1)}
    truth: dict[str, Any] = json.loads(json.dumps(federated_annotations(load_lvis(path), LVIS_NOVEL13, placements)))
    return truth


def test_the_truth_for_evaluators_keeps_what_makes_it_federated(tmp_path: Path) -> None:
    truth = stored_truth(written(tmp_path, val_content(), "val"))
    assert [entry["id"] for entry in truth["images"]] == [1, 2]
    assert truth["images"][0]["not_exhaustive_category_ids"] == [V1_IDS["die"]]
    assert truth["images"][1]["neg_category_ids"] == [V1_IDS["die"]]
    assert truth["annotations"][2] == {
        "id": 3,
        "image_id": 2,
        "category_id": V1_IDS["omelet"],
        "bbox": [64.0, 48.0, 320.0, 240.0],
        "area": 9.5,
        "iscrowd": 0,
    }
    assert truth["categories"][0] == {"id": V1_IDS["casserole"], "name": "casserole", "frequency": "r"}
    assert len(truth["categories"]) == 13


def federated_ap(truth: dict[str, Any], answers: list[dict[str, Any]]) -> float:
    ground_truth = COCO(truth)
    evaluation = COCOeval_faster(ground_truth, ground_truth.loadRes(answers), "bbox", lvis_style=True)
    evaluation.params.maxDets = [300]
    evaluation.run()
    return float(evaluation.stats_as_dict["AP_all"])


@pytest.mark.parametrize(
    ("image_id", "name", "expected"),
    [
        (2, "die", 0.75),  # looked for and absent: of a higher score than the die's one answer, it halves its AP
        (1, "die", 1.0),  # not exhaustively annotated: may be one that nobody boxed
        (2, "mallet", 1.0),  # nobody looked for it
    ],
)
def test_an_lvis_evaluator_reads_the_truth(tmp_path: Path, image_id: int, name: str, expected: float) -> None:
    content = val_content()
    del content["annotations"][1]
    truth = stored_truth(written(tmp_path, content, "val"))
    right = [{**entry, "score": 0.5} for entry in truth["annotations"]]
    answer = {"image_id": image_id, "category_id": V1_IDS[name], "bbox": [500, 400, 50, 50], "score": 0.9}
    assert federated_ap(truth, [*right, answer]) == pytest.approx(expected)


def test_a_box_without_area_is_a_listed_skip(tmp_path: Path) -> None:
    content = val_content()
    content["annotations"][1]["bbox"] = [640, 10, 5, 5]
    path = written(tmp_path, content, "val")
    asked = evaluation_questions(load_lvis(path), tmp_path, LVIS_NOVEL13, verified_absent=True)
    assert "1" not in {question.picture.id for question in asked.questions}
    assert [(skip.rule, skip.where) for skip in asked.skips] == [
        (EMPTY_BOX, "lvis_v1_val.json: val2017/000000000001.jpg, 'die'")
    ]


def test_the_real_v05_sample_is_refused_by_name() -> None:
    message = r"lvis_val_100\.json is not LVIS v1: category 'casserole' has id 226, in v1 it is 222 \(14 of(.|\n)*v0\.5"
    with pytest.raises(UserError, match=message):
        load_lvis(shared(REAL_V05))


def test_the_real_images_with_v1_ids_are_read(tmp_path: Path) -> None:
    content = json.loads(shared(REAL_V05).read_text())
    names = {entry["id"]: entry["name"] for entry in content["categories"]}
    for entry in content["categories"]:
        entry["id"] = V1_IDS.get(entry["name"], 10_000 + entry["id"])
    ids = {entry["name"]: entry["id"] for entry in content["categories"]}
    for entry in content["annotations"]:
        entry["category_id"] = ids[names[entry["category_id"]]]
    for entry in content["images"]:
        del entry["file_name"]
    dataset = load_lvis(written(tmp_path, content, "val"))
    asked = evaluation_questions(dataset, tmp_path, ["banana", "cow", "shoe"], verified_absent=False).questions
    shown = {(e["image_id"], e["category_id"]) for e in content["annotations"]}
    expected = {(str(image_id), "banana") for image_id, category_id in shown if category_id == ids["banana"]}
    assert {(q.picture.id, q.category) for q in asked if q.category == "banana"} == expected
    assert sum(len(q.boxes) for q in asked) == sum(
        e["category_id"] in {ids["banana"], ids["cow"], ids["shoe"]} for e in content["annotations"]
    )


Damage = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: c["images"][1].pop("coco_url"), "images[1]: 'coco_url' is None"),
        (lambda c: c["images"][1].update(coco_url="http://x/../../secret.jpg"), "'coco_url' is 'http://x/../../secret"),
        (lambda c: c["images"][1].update(coco_url="http://x/train2017/.."), "is no path inside the image folder"),
        (lambda c: c["images"][1].pop("neg_category_ids"), "images[1]: 'neg_category_ids' is None"),
        (lambda c: c["images"].append(3), "images[3]: is int, not an object"),
        (lambda c: c["images"].append(c["images"][0]), "id 1 stands twice in 'images'"),
        (lambda c: c["annotations"].append(c["annotations"][0]), "id 1 stands twice in 'annotations'"),
        (lambda c: c["annotations"][0].update(image_id=99), "'image_id' 99 is not in 'images'"),
        (lambda c: c["categories"][754].update(id=5000), "'papaya' has id 5000, in v1 it is 755"),
        (lambda c: c["categories"][0].pop("frequency"), "categories[0]: 'frequency' is None"),
    ],
)
def test_what_is_not_lvis_v1_is_refused(tmp_path: Path, damage: Damage, message: str) -> None:
    content = val_content()
    damage(content)
    with pytest.raises(UserError, match=re.escape(message)):
        load_lvis(written(tmp_path, content, "val"))


@pytest.mark.parametrize("told", [None, "merge", "first"])
def test_one_file_under_two_ids_is_asked_about_once(tmp_path: Path, told: str | None) -> None:
    content = val_content()
    content["images"].append({**content["images"][1], "id": 9})
    content["annotations"].append(box(9, 9, "omelet", (0, 0, 32, 48) if told else (64, 48, 320, 240)))
    dataset = load_lvis(written(tmp_path, content, "val"), reading=CocoReading(repeated_images=told))
    asked = evaluation_questions(dataset, tmp_path, LVIS_NOVEL13, verified_absent=True).questions
    assert [(question.picture.id, question.category, len(question.boxes)) for question in asked] == [
        ("1", "die", 2),
        ("2", "die", 0),
        ("2", "omelet", 2 if told == "merge" else 1),
    ]


def test_unknown_and_unseen_categories_are_refused(tmp_path: Path) -> None:
    dataset = load_lvis(written(tmp_path, val_content(), "val"))
    with pytest.raises(UserError, match="did you mean 'horse_buggy'"):
        training_questions(dataset, tmp_path, ["horse buggy"], shots=1, seed=0)
    with pytest.raises(UserError, match="'papaya' has 0"):
        training_questions(dataset, tmp_path, ["papaya"], shots=10, seed=0)
    with pytest.raises(UserError, match="no image shows any of .*: papaya"):
        evaluation_questions(dataset, tmp_path, ["papaya"], verified_absent=True)


def test_annotations_lie_in_their_folder_or_beside_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"neither annotations/lvis_v1_val\.json nor lvis_v1_val\.json"):
        find_annotations(tmp_path, "val")
    beside = written(tmp_path, {}, "val")
    assert find_annotations(tmp_path, "val") == beside
    (tmp_path / "annotations").mkdir()
    inside = written(tmp_path / "annotations", {}, "val")
    assert find_annotations(tmp_path, "val") == inside
