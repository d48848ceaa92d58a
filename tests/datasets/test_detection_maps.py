# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Validation by an existence map: the pairs that are asked about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from detection_data import asked, prepare

from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.errors import UserError


def write_map(path: Path, **present: list[str]) -> Path:
    """An existence map; ``image_11=["cat"]`` says that there is a cat in image 11."""
    path.write_text(json.dumps({key.removeprefix("image_"): names for key, names in present.items()}))
    return path


def test_validation_asks_about_the_pairs_of_an_existence_map(tiny_coco: Any, tmp_path: Path) -> None:
    claims = write_map(tmp_path / "map.json", image_11=["bus", "hot dog", "cat"], image_12=["cat"], image_13=[])
    prepare(tiny_coco, tmp_path / "out", val_pairs=claims)
    assert asked(tmp_path / "out/val.parquet") == [
        (11, "cat", [[100, 100, 400, 500], [600, 100, 900, 500]]),
        (11, "bus", []),
        (12, "cat", []),
    ]
    truth = json.loads((tmp_path / "out/val_annotations.json").read_text())
    assert [image["id"] for image in truth["images"]] == [11, 12, 13], "what no question asks about is missed"
    assert {annotation["image_id"] for annotation in truth["annotations"]} == {11, 12, 13}
    manifest = load_manifest(tmp_path / "out")
    assert "instances_val.json: 011.png, 'hot dog'" in manifest["skips"]["only crowd boxes"]["where"]
    assert manifest["selection"]["val_pairs"] == "map.json"
    assert manifest["sources"]["files"][-1]["file"] == "map.json"


def test_what_a_map_says_of_something_else_is_counted(tiny_coco: Any, tmp_path: Path) -> None:
    claims = write_map(
        tmp_path / "map.json",
        image_11=["cat", "hot_dog"],
        image_12=[],
        image_13=["cat"],
        image_7=["bus"],
        image_8=["x"],
    )
    prepare(tiny_coco, tmp_path / "out", val_pairs=claims)
    assert [question[:2] for question in asked(tmp_path / "out/val.parquet")] == [(11, "cat"), (13, "cat")]
    skips = load_manifest(tmp_path / "out")["skips"]
    assert skips["category of the map that the annotations do not have"]["where"] == [
        "map.json: 'hot_dog'",
        "map.json: 'x'",
    ]
    assert skips["picture of the map that the annotations do not have"]["where"] == ["map.json: image 7"]
    with pytest.raises(UserError, match="would be left out"):
        prepare(tiny_coco, tmp_path / "strict", val_pairs=claims, strict=True)


def test_a_damaged_picture_of_a_map_counts_neither_as_asked_nor_as_missed(tiny_coco: Any, tmp_path: Path) -> None:
    path = tiny_coco.image("val", 12)
    path.write_bytes(path.read_bytes()[:-30])
    claims = write_map(tmp_path / "map.json", image_11=["cat"], image_12=["bus"], image_13=[])
    prepare(tiny_coco, tmp_path / "out", val_pairs=claims)
    truth = json.loads((tmp_path / "out/val_annotations.json").read_text())
    assert [image["id"] for image in truth["images"]] == [11, 13]


def test_validation_images_of_a_map_can_be_drawn(tiny_coco: Any, tmp_path: Path) -> None:
    claims = write_map(tmp_path / "map.json", image_11=["cat"], image_12=["cat"], image_13=["cat"])
    prepare(tiny_coco, tmp_path / "out", val_pairs=claims, max_val_images=2)
    questions = asked(tmp_path / "out/val.parquet")
    images = json.loads((tmp_path / "out/val_annotations.json").read_text())["images"]
    assert len(questions) == 2
    assert {image["id"] for image in images} == {image for image, _, _ in questions}


@pytest.mark.parametrize(
    ("claims", "changes", "message"),
    [
        ({"image_11": ["cat"], "image_12": []}, {}, "says nothing about 1 of the 3 pictures of .*, image 13 for one"),
        ({"image_11": ["Cat"], "image_12": [], "image_13": []}, {}, "calls none of the categories .*spelt otherwise"),
        ({}, {}, "is no existence map"),
        ({"image_11": ["cat"]}, {"val_negatives": 0.5}, "leave out --val-negatives"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(
    tiny_coco: Any, tmp_path: Path, claims: dict[str, list[str]], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        prepare(tiny_coco, tmp_path / "out", val_pairs=write_map(tmp_path / "map.json", **claims), **changes)
    assert not (tmp_path / "out").exists()
