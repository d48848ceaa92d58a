# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import json

import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.shapes import BASE, CATEGORIES, GRID, NOVEL, SIDE, scenes, write_shapes


def files(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_shapes(tmp_path / name, train=6, val=4, seed=seed)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a") != files(tmp_path / "c")


def test_annotations_are_coco_and_fit_the_pictures(tmp_path):
    write_shapes(tmp_path, train=20, val=10, seed=0)
    record = json.loads((tmp_path / "annotations" / "instances_train.json").read_text())
    assert [category["name"] for category in record["categories"]] == list(CATEGORIES)
    assert {image["id"] for image in record["images"]} == {a["image_id"] for a in record["annotations"]}
    for image in record["images"]:
        assert Image.open(tmp_path / "train" / image["file_name"]).size == (image["width"], image["height"])
    for annotation in record["annotations"]:
        x, y, width, height = annotation["bbox"]
        assert 0 <= x and 0 <= y and x + width <= SIDE and y + height <= SIDE
        assert all(value % GRID == 0 for value in annotation["bbox"])
        assert annotation["area"] == width * height


def test_no_validation_picture_is_a_training_picture(tmp_path):
    write_shapes(tmp_path, train=400, val=200, seed=0)  # enough that two draws do meet
    train, val = ({path.read_bytes() for path in (tmp_path / split).iterdir()} for split in ("train", "val"))
    assert not train & val


def test_objects_keep_apart_and_a_box_holds_its_colour():
    for scene in scenes(50, seed=1):
        for i, a in enumerate(scene.boxes):
            assert not any(
                a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3] for b in scene.boxes[i + 1 :]
            )
            if scene.categories[i].startswith("white"):
                centre = ((a[0] + a[2]) // 2, (a[1] + a[3]) // 2)
                assert min(scene.image.getpixel(centre)) > 150


def test_base_and_novel_share_colours_and_shapes_but_no_category():
    assert set(BASE) | set(NOVEL) == set(CATEGORIES) and not set(BASE) & set(NOVEL)
    words = {word for name in BASE for word in name.split()}
    assert all(word in words for name in NOVEL for word in name.split())


@pytest.mark.parametrize("counts", [{"train": 0}, {"val": -1}])
def test_a_count_that_is_not_positive_is_refused_before_anything_is_written(tmp_path, counts):
    with pytest.raises(UserError, match="at least one picture"):
        write_shapes(tmp_path / "root", **counts)
    assert not (tmp_path / "root").exists()
