# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a detection dataset that are missing, damaged or stored on their side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from detection_data import asked, prepare, rows_of
from PIL import Image

from verl_visual_rft.datasets.coco_reading import CocoReading
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.errors import UserError


def turn(coco: Any, image_id: int) -> None:
    """Store a picture of validation on its side, as a phone does."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(coco.image("val", image_id)) as image:
        image.save(coco.image("val", image_id), exif=exif)


def test_missing_images_are_an_error_or_skipped_and_counted(tiny_coco: Any, tmp_path: Path) -> None:
    tiny_coco.image("train", 4).unlink()
    out = tmp_path / "out"
    with pytest.raises(UserError, match=r"004\.png \(image id 4\) does not exist; 1 of 6 .*--skip-missing-images"):
        prepare(tiny_coco, out)
    prepare(tiny_coco, out, skip_missing_images=True, shots=None, rows=7)
    assert 4 not in {image for image, _, _ in asked(out / "train.parquet")}
    assert load_manifest(out)["skips"]["no file"] == {"count": 1, "where": ["instances_train.json: 004.png"]}


def test_damaged_pictures_are_left_out_of_rows_and_truth(tiny_coco: Any, tmp_path: Path) -> None:
    path = tiny_coco.image("val", 12)
    path.write_bytes(path.read_bytes()[:-30])
    prepare(tiny_coco, tmp_path)
    assert [question[:2] for question in asked(tmp_path / "val.parquet")] == [(11, "cat"), (13, "cat")]
    assert [row["extra_info"]["index"] for row in rows_of(tmp_path / "val.parquet")] == [0, 1]
    truth = json.loads((tmp_path / "val_annotations.json").read_text())
    assert [image["id"] for image in truth["images"]] == [11, 13]
    assert {entry["image_id"] for entry in truth["annotations"]} == {11, 13}
    manifest = load_manifest(tmp_path)
    assert manifest["skips"]["damaged picture"]["count"] == 1
    assert manifest["counts"]["val"]["skipped_rows"] == 1


def test_what_nobody_is_asked_for_is_no_truth(tiny_coco: Any, tmp_path: Path) -> None:
    """Of two boxes one is empty, so the pair is not asked about: its other box would be missed by every model."""
    content = tiny_coco.read("val")
    bus = {"image_id": 11, "category_id": 9, "iscrowd": 0, "area": 81}
    content["annotations"] += [bus | {"id": 98, "bbox": [9, 9, 9, 9]}, bus | {"id": 99, "bbox": [9, 9, 0, 0]}]
    tiny_coco.write("val", content)
    prepare(tiny_coco, tmp_path)
    assert [category for picture, category, _ in asked(tmp_path / "val.parquet") if picture == 11] == ["cat"]
    truth = json.loads((tmp_path / "val_annotations.json").read_text())
    assert 9 not in [entry["category_id"] for entry in truth["annotations"] if entry["image_id"] == 11]


def test_a_picture_stored_on_its_side_is_evaluated_upright(tiny_coco: Any, tmp_path: Path) -> None:
    turn(tiny_coco, 12)
    content = tiny_coco.read("val")
    bus = next(entry for entry in content["annotations"] if entry["image_id"] == 12)
    bus["bbox"] = [0, 0, 80, 10]  # in the picture of 100x50 before turning, and nowhere else
    tiny_coco.write("val", content)
    prepare(tiny_coco, tmp_path)
    row = next(row for row in rows_of(tmp_path / "val.parquet") if row["extra_info"]["image_id"] == "12")
    assert (row["extra_info"]["width"], row["extra_info"]["height"]) == (50, 100)
    assert json.loads(row["reward_model"]["ground_truth"]) == {"boxes": [[800, 0, 1000, 800]]}
    truth = json.loads((tmp_path / "val_annotations.json").read_text())
    image = next(entry for entry in truth["images"] if entry["id"] == 12)
    annotation = next(entry for entry in truth["annotations"] if entry["image_id"] == 12)
    assert (image["width"], image["height"], annotation["bbox"]) == (50, 100, [40.0, 0.0, 10.0, 80.0])


def test_a_picture_stored_on_its_side_whose_boxes_do_not_tell_is_refused(tiny_coco: Any, tmp_path: Path) -> None:
    turn(tiny_coco, 13)
    content = tiny_coco.read("val")
    content["annotations"] = [
        entry | {"bbox": [10, 0, 40, 20]} for entry in content["annotations"] if not entry["iscrowd"]
    ]
    tiny_coco.write("val", content)
    with pytest.raises(UserError, match="1 pictures have an EXIF orientation, 013.png .* --exif raw"):
        prepare(tiny_coco, tmp_path)
    for way, boxes in (("upright", [[200, 0, 1000, 200]]), ("raw", [[600, 100, 1000, 500]])):
        prepare(tiny_coco, tmp_path / way, reading=CocoReading(exif=way))
        row = next(row for row in rows_of(tmp_path / way / "val.parquet") if row["extra_info"]["image_id"] == "13")
        assert json.loads(row["reward_model"]["ground_truth"]) == {"boxes": boxes}


def test_strict_refuses_what_would_be_left_out(tiny_coco: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"2 would be left out, .*strict(.|\n)*only crowd boxes: .*003\.png, 'hot dog'"):
        prepare(tiny_coco, tmp_path / "out", strict=True)
    assert not (tmp_path / "out").exists()
