# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The sets with boxes, held against original annotation files where they are at hand."""

import json
from collections import Counter

import pytest
from PIL import ExifTags, Image, ImageOps

from verl_visual_rft.datasets.category_lists import COCO_BASE65, COCO_FEWSHOT8, COCO_NOVEL15, MG5
from verl_visual_rft.miniature.originals.coco import coco_categories
from verl_visual_rft.miniature.originals.lvis import CATEGORIES

FILES = {
    "coco train": ("coco", "annotations/instances_train2017.json", "train2017"),
    "coco val": ("coco", "annotations/instances_val2017.json", "val2017"),
    "lvis train": ("lvis", "annotations/lvis_v1_train.json", ""),
    "lvis val": ("lvis", "annotations/lvis_v1_val.json", ""),
    "mg train": ("mg", "annotations/instances_train.json", "train"),
    "mg val": ("mg", "annotations/instances_val.json", "val"),
}


def read(path):
    return json.loads(path.read_text())


def keys(content, section):
    return {frozenset(entry) for entry in content[section]}


def file_of(image):
    return image.get("file_name") or "/".join(image["coco_url"].split("/")[-2:])


def upright(path):
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def area(ring):
    points = list(zip(ring[::2], ring[1::2], strict=True))
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True))) / 2


def test_coco_has_the_fields_and_the_categories_of_the_original(fake, original):
    ours = read(fake("coco") / "annotations" / "instances_val2017.json")
    theirs = read(original("visual_rft/instances_val2017_subset.json"))
    assert ours["categories"] == theirs["categories"]
    for section in ("images", "annotations"):
        assert keys(ours, section) == keys(theirs, section)


def test_coco_categories_are_those_of_the_papers_lists():
    names = [category["name"] for category in coco_categories()]
    assert sorted(names) == sorted(COCO_BASE65 + COCO_NOVEL15)
    assert [name for name in names if name in COCO_BASE65] == list(COCO_BASE65)
    assert coco_categories()[-1]["id"] == 90


def test_lvis_has_the_fields_of_the_original_but_file_names_which_v1_dropped(fake, original):
    theirs = read(original("lvis/lvis_val_100.json"))
    for split in ("train", "val"):
        ours = read(fake("lvis") / "annotations" / f"lvis_v1_{split}.json")
        assert keys(ours, "images") == {fields - {"file_name"} for fields in keys(theirs, "images")}
        assert keys(ours, "annotations") == keys(theirs, "annotations")
        assert keys(ours, "categories") == keys(theirs, "categories")


@pytest.mark.parametrize("which", FILES)
def test_annotations_fit_their_pictures(which, fake):
    name, annotations, folder = FILES[which]
    content = read(fake(name) / annotations)
    images = {image["id"]: image for image in content["images"]}
    pictures = {i: upright(fake(name) / folder / file_of(image)) for i, image in images.items()}
    for image_id, image in images.items():
        assert pictures[image_id].size == (image["width"], image["height"])
    colours = {}
    for annotation in content["annotations"]:
        if annotation.get("iscrowd"):
            continue
        (ring,) = annotation["segmentation"]
        x, y, width, height = annotation["bbox"]
        assert (min(ring[::2]), min(ring[1::2])) == (x, y)
        assert (max(ring[::2]), max(ring[1::2])) == pytest.approx((x + width, y + height))
        assert annotation["area"] == pytest.approx(area(ring)) and annotation["area"] < width * height
        centre = (round(sum(ring[::2]) / len(ring) * 2), round(sum(ring[1::2]) / len(ring) * 2))
        colours.setdefault(annotation["category_id"], []).append(pictures[annotation["image_id"]].getpixel(centre))
    # A blob of a category has the category's colour: the polygon lies where the picture shows the object.
    for seen in colours.values():
        assert all(max(values) - min(values) < 40 for values in zip(*seen, strict=True))


@pytest.mark.parametrize("which", FILES)
def test_ids_are_unique_and_no_picture_is_in_two_splits(which, fake):
    name, annotations, _ = FILES[which]
    content = read(fake(name) / annotations)
    for section in ("images", "annotations", "categories"):
        ids = [entry["id"] for entry in content[section]]
        assert len(set(ids)) == len(ids)
    train, val = (read(fake(name) / annotations.replace(which.split()[1], split)) for split in ("train", "val"))
    assert not {image["coco_url"] for image in train["images"]} & {image["coco_url"] for image in val["images"]}


def test_coco_shows_every_few_shot_category_in_four_training_pictures(fake):
    content = read(fake("coco") / "annotations" / "instances_train2017.json")
    names = {category["id"]: category["name"] for category in content["categories"]}
    pairs = {(entry["image_id"], names[entry["category_id"]]) for entry in content["annotations"]}
    counts = Counter(name for _, name in pairs)
    assert min(counts[name] for name in COCO_FEWSHOT8) >= 4


def test_coco_has_a_crowd_an_empty_picture_two_of_a_kind_and_a_turned_picture(fake):
    mask = pytest.importorskip("pycocotools.mask")
    content = read(fake("coco") / "annotations" / "instances_train2017.json")
    (crowd,) = [entry for entry in content["annotations"] if entry["iscrowd"]]
    height, width = crowd["segmentation"]["size"]
    encoded = mask.frPyObjects(crowd["segmentation"], height, width)
    assert mask.area(encoded) == crowd["area"]
    assert mask.toBbox(encoded).tolist() == crowd["bbox"]
    assert crowd["id"] == 900_100_000_000 + crowd["image_id"]

    annotated = Counter(entry["image_id"] for entry in content["annotations"])
    assert sum(image["id"] not in annotated for image in content["images"]) == 1
    pairs = Counter((entry["image_id"], entry["category_id"]) for entry in content["annotations"])
    assert max(pairs.values()) == 2
    turned = []
    for image in content["images"]:
        with Image.open(fake("coco") / "train2017" / image["file_name"]) as picture:
            turned += [picture.size] * (picture.getexif().get(ExifTags.Base.Orientation) == 6)
    assert turned == [(120, 160)]


def test_lvis_has_the_original_numbers_of_training_pictures_and_most_validation_pictures_in_train2017(fake):
    content = read(fake("lvis") / "annotations" / "lvis_v1_train.json")
    counts = Counter(entry["category_id"] for entry in content["annotations"])
    assert counts == {number: count for _, number, count in CATEGORIES}
    assert [category["id"] for category in content["categories"]] == list(range(1, 1204))
    pairs = Counter((entry["image_id"], entry["category_id"]) for entry in content["annotations"])
    assert set(pairs.values()) == {1}

    val = read(fake("lvis") / "annotations" / "lvis_v1_val.json")
    folders = Counter(image["coco_url"].split("/")[-2] for image in val["images"])
    assert folders["train2017"] > folders["val2017"] > 0
    present = {}
    for entry in val["annotations"]:
        present.setdefault(entry["image_id"], set()).add(entry["category_id"])
    for image in val["images"]:
        assert not present[image["id"]] & set(image["neg_category_ids"])
        assert set(image["not_exhaustive_category_ids"]) <= present[image["id"]]
    assert any(image["not_exhaustive_category_ids"] for image in val["images"])


def test_mg_shows_every_category_in_sixteen_training_pictures(fake):
    content = read(fake("mg") / "annotations" / "instances_train.json")
    assert [category["name"] for category in content["categories"]] == list(MG5)
    pairs = {(entry["image_id"], entry["category_id"]) for entry in content["annotations"]}
    assert set(Counter(category for _, category in pairs).values()) == {16}


def test_reasonseg_shapes_have_the_fields_of_the_original(fake, original):
    ours = [json.loads(path.read_bytes().decode("cp1252")) for path in (fake("reasonseg") / "train").glob("*.json")]
    theirs = read(original("reasonseg/val_8451614203_e6484a2cb4_o.json"))
    assert {frozenset(content) for content in ours} == {frozenset(theirs)}
    shapes = [shape for content in ours for shape in content["shapes"]]
    assert {frozenset(shape) for shape in shapes} == {frozenset(shape) for shape in theirs["shapes"]}
    described = {(shape["label"], tuple(shape["labels"]), shape["shape_type"]) for shape in shapes}
    assert described == {(shape["label"], tuple(shape["labels"]), shape["shape_type"]) for shape in theirs["shapes"]}


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_reasonseg_has_a_sliver_first_many_texts_a_dead_flag_and_a_file_in_cp1252(split, fake):
    folder = fake("reasonseg") / split
    assert {path.stem for path in folder.glob("*.jpg")} == {path.stem for path in folder.glob("*.json")}
    contents, other_encoding = [], 0
    for path in folder.glob("*.json"):
        try:
            contents.append(json.loads(path.read_bytes().decode("utf-8")))
        except UnicodeDecodeError:
            other_encoding += 1
            assert "’" in path.read_bytes().decode("cp1252")
    assert other_encoding == 1
    assert max(len(content["text"]) for content in contents) == 6
    slivers = [content["shapes"] for content in contents if content["shapes"][0]["points"][0][1] == 0]
    assert len(slivers) == 1 and [shape["label"] for shape in slivers[0]][:2] == ["target", "target"]
    flags = [shape for content in contents for shape in content["shapes"] if shape["label"] == "flag"]
    assert flags and all(len(shape["points"]) == 2 for shape in flags)


def test_reasonseg_explains_its_training_pictures(fake):
    explained = read(fake("reasonseg") / "explanatory" / "train.json")
    assert {frozenset(entry) for entry in explained} == {frozenset({"query", "outputs", "image", "json"})}
    assert {entry["image"] for entry in explained} == {
        path.name for path in (fake("reasonseg") / "train").glob("*.jpg")
    }
