# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`visual-rft data prepare coco --counting` on a data set that is counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from prepared_sets import prepared, rows_of
from shared_inputs import shared

from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.datasets.validation import validate


def counted(path: Path) -> set[tuple[int, str, int]]:
    """Image id, category and number of each row."""
    rows = [(row["extra_info"], json.loads(row["reward_model"]["ground_truth"])) for row in rows_of(path)]
    return {(int(about["image_id"]), about["category"], truth["count"]) for about, truth in rows}


def prepare_counting(coco: Any, out: Path, *arguments: str) -> None:
    prepared("coco", "--root", coco.root, "--out", out, "--counting", *arguments)
    assert validate(sorted(out.glob("*.parquet"))) == []


def test_boxes_are_counted_and_pairs_with_crowds_left_out(tiny_coco: Any, tmp_path: Path) -> None:
    train, val = tiny_coco.read("train"), tiny_coco.read("val")
    again = dict(train["annotations"][0], id=99, bbox=[60, 5, 30, 20])  # a second cat in the first picture
    tiny_coco.write("train", train | {"annotations": [*train["annotations"], again]})
    crowd = dict(val["annotations"][0], id=98, bbox=[60, 5, 30, 20], iscrowd=1)
    tiny_coco.write("val", val | {"annotations": [*val["annotations"], crowd]})
    prepare_counting(tiny_coco, tmp_path / "out", "--rows", "10")
    boxes = {(1, "cat", 2), *((n, "cat", 1) for n in range(2, 7)), (1, "hot dog", 1), (2, "hot dog", 1)}
    boxes |= {(5, "bus", 1), (6, "bus", 1)}  # the crowd of hot dogs in the third picture is no number
    asked = counted(tmp_path / "out/train.parquet")
    assert asked == boxes
    names = {category["id"]: category["name"] for category in val["categories"]}
    pair = (crowd["image_id"], names[crowd["category_id"]])
    assert pair not in {question[:2] for question in counted(tmp_path / "out/val.parquet")}
    manifest = load_manifest(tmp_path / "out")
    assert manifest["task"] == "counting" and manifest["selection"]["counting"] is True
    assert "crowd beside the boxes" in manifest["skips"]
    assert not (tmp_path / "out/val_annotations.json").exists()


def test_absent_categories_are_counted_as_none(tiny_coco: Any, tmp_path: Path) -> None:
    prepare_counting(tiny_coco, tmp_path / "out", "--shots", "2", "--negatives", "0.4", "--val-negatives", "0.3")
    asked = counted(tmp_path / "out/train.parquet")
    assert 0 < sum(count == 0 for *_, count in asked) < len(asked)
    rows = rows_of(tmp_path / "out/sft_train.parquet")
    assert {row["messages"][-1]["content"] for row in rows} == {"<answer>0</answer>", "<answer>1</answer>"}


@pytest.mark.long
def test_real_photographs_are_counted_as_their_annotations_say(tmp_path: Path) -> None:
    real = shared("data/visual_rft")
    annotations, images = real / "instances_val2017_subset.json", real / "images"
    prepared(
        "coco",
        *("--train-annotations", annotations, "--train-images", images),
        *("--val-annotations", annotations, "--val-images", images, "--skip-missing-images"),
        *("--base-categories", "coco-base65", "--novel-categories", "coco-novel15", "--rows", "5"),
        *("--counting", "--out", tmp_path),
    )
    content = json.loads(annotations.read_text())
    names = {category["id"]: category["name"] for category in content["categories"]}
    for image, category, count in counted(tmp_path / "val.parquet"):
        own = [e for e in content["annotations"] if (e["image_id"], names[e["category_id"]]) == (image, category)]
        assert len(own) == count and not any(entry["iscrowd"] for entry in own)
