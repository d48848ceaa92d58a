# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the truth that evaluation reads beside the parquet."""

from __future__ import annotations

from pathlib import Path

import pytest

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.detection.annotations import category_names, coco_truth
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.question import Picture


def question(picture: str, category: str = "cup", number: int = 1, *boxes: tuple[float, float, float, float]):
    return DetectionQuestion(Picture(picture, Path(picture), picture, (100, 50)), category, number, boxes)


def test_boxes_are_those_of_the_stored_pictures_that_were_kept() -> None:
    questions = [
        question("upright.jpg", "cup", 1, (10, 5, 40, 25), (0, 0, 100, 50)),
        question("turned.jpg", "pen", 2, (10, 0, 30, 20)),
        question("upright.jpg", "pen", 2),
        question("left out.jpg", "cup", 1, (0, 0, 1, 1)),
        GroundingQuestion(Picture("other.jpg", Path("other.jpg"), "other.jpg"), "the pen", ((0, 0, 9, 9),)),
    ]
    kept = {
        "upright.jpg": Placement((100, 50), (100, 50)),
        "turned.jpg": Placement((50, 100), (100, 50), orientation=6),
        "other.jpg": Placement((9, 9), (9, 9)),
    }
    truth = coco_truth(questions, kept, {1: "cup", 2: "pen", 3: "never shown"})
    assert truth["images"] == [
        {"id": "upright.jpg", "file_name": "upright.jpg", "width": 100, "height": 50},
        {"id": "turned.jpg", "file_name": "turned.jpg", "width": 50, "height": 100},
    ]
    listed = [(entry["id"], entry["image_id"], entry["category_id"], entry["bbox"]) for entry in truth["annotations"]]
    assert listed == [
        (1, "upright.jpg", 1, [10, 5, 30, 20]),
        (2, "upright.jpg", 1, [0, 0, 100, 50]),
        (3, "turned.jpg", 2, [30, 10, 20, 20]),
    ]
    assert [entry["area"] for entry in truth["annotations"]] == [600, 5000, 400]
    assert [category["name"] for category in truth["categories"]] == ["cup", "pen", "never shown"]


@pytest.mark.parametrize("other", [("cup", 2), ("pen", 1)])
def test_categories_numbered_differently_are_refused(other: tuple[str, int]) -> None:
    assert category_names([question("a.jpg"), question("b.jpg", "pen", 2)]) == {1: "cup", 2: "pen"}
    with pytest.raises(UserError, match=r"number their categories differently \('\w+' is \d, '\w+' is \d\)"):
        category_names([question("a.jpg"), question("b.jpg", *other)])
