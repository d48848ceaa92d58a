# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Reading COCO files of anybody's: mended and counted, or refused with the option that decides."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from verl_visual_rft.datasets.box_forms import CUT
from verl_visual_rft.datasets.coco_layout import CocoDataset
from verl_visual_rft.datasets.coco_reading import CocoReading, read_coco
from verl_visual_rft.datasets.sampling import absent, index_pairs
from verl_visual_rft.datasets.upright import require_way_up
from verl_visual_rft.errors import UserError

Content = dict[str, Any]
Damage = Callable[[Content], object]


def annotation(number: int, image_id: int, category_id: int, bbox: list[float]) -> dict[str, Any]:
    return {"id": number, "image_id": image_id, "category_id": category_id, "bbox": bbox, "iscrowd": 0}


def read(coco: Any, **reading: Any) -> CocoDataset:
    return read_coco(coco.annotations("train"), coco.root / "train", CocoReading(**reading))


def damaged(coco: Any, damage: Damage) -> None:
    content = coco.read("train")
    damage(content)
    coco.write("train", content)


def boxes(dataset: CocoDataset) -> list[tuple[float, float, float, float]]:
    return [entry.bbox for pair in sorted(dataset.annotations) for entry in dataset.annotations[pair]]


def each(section: str, change: Damage) -> Damage:
    return lambda content: [change(entry) for entry in content[section]]


def as_text(*keys: str) -> Damage:
    return lambda entry: entry.update({key: str(entry[key]) for key in keys})


def as_float(*keys: str) -> Damage:
    return lambda entry: entry.update({key: float(entry[key]) for key in keys})


#: What changes nothing that is read -> the rule, and how often it is counted.
HARMLESS: dict[str, tuple[Damage, str, int]] = {
    "image ids as text": (
        lambda content: (each("images", as_text("id"))(content), each("annotations", as_text("image_id"))(content)),
        "integer written otherwise",
        17,
    ),
    "category ids as text": (
        lambda content: (
            each("categories", as_text("id"))(content),
            each("annotations", as_text("category_id"))(content),
        ),
        "integer written otherwise",
        14,
    ),
    "image ids that are no numbers": (
        lambda content: (
            each("images", lambda entry: entry.update(id=f"a{entry['id']:03}"))(content),
            each("annotations", lambda entry: entry.update(image_id=f"a{entry['image_id']:03}"))(content),
        ),
        "id of images numbered",
        6,
    ),
    "float sizes": (each("images", as_float("width", "height")), "integer written otherwise", 12),
    "float ids": (each("annotations", as_float("id", "image_id", "category_id")), "integer written otherwise", 33),
    "no sizes": (
        each("images", lambda entry: (entry.pop("width"), entry.pop("height"))),
        "size taken from the picture",
        6,
    ),
    "null sizes": (
        each("images", lambda entry: entry.update(width=None, height=None)),
        "size taken from the picture",
        6,
    ),
    "backslashes": (
        each("images", lambda entry: entry.update(file_name="images\\" + entry["file_name"])),
        "file found under another spelling of its name",
        6,
    ),
    "percent signs": (
        each("images", lambda entry: entry.update(file_name=entry["file_name"].replace("0", "%30"))),
        "file found under another spelling of its name",
        6,
    ),
    "root of a class's name": (
        lambda content: content["categories"].insert(0, {"id": 0, "name": "cat", "supercategory": "none"}),
        "category of a name that another has, without annotations",
        1,
    ),
    "leaf of a root's name": (
        lambda content: content["categories"].append({"id": 10, "name": "bus", "supercategory": "bus"}),
        "category of a name that another has, without annotations",
        1,
    ),
    "doubled boxes": (
        lambda content: content["annotations"].extend(
            [entry | {"id": 100 + entry["id"]} for entry in content["annotations"] if not entry["iscrowd"]]
        ),
        "box annotated twice",
        10,
    ),
    "a box doubled by rounding": (
        lambda content: content["annotations"].append(annotation(90, 1, 3, [10.4, 5, 30, 20])),
        "box annotated twice",
        1,
    ),
    "images listed twice": (
        lambda content: (
            content["images"].extend([entry | {"id": 100 + entry["id"]} for entry in content["images"]]),
            content["annotations"].extend(
                [
                    entry | {"id": 100 + entry["id"], "image_id": 100 + entry["image_id"]}
                    for entry in content["annotations"]
                ]
            ),
        ),
        "file under several image ids, alike",
        6,
    ),
}


@pytest.mark.parametrize("damage, rule, count", HARMLESS.values(), ids=HARMLESS)
def test_slips_without_doubt_are_mended_and_counted(tiny_coco: Any, damage: Damage, rule: str, count: int) -> None:
    intact = read(tiny_coco)
    damaged(tiny_coco, damage)
    mended = read(tiny_coco)
    assert mended.images == intact.images
    assert mended.annotations == intact.annotations
    assert mended.categories.keys() == intact.categories.keys()
    assert (intact.mends, Counter(mend.rule for mend in mended.mends)) == ((), Counter({rule: count}))
    assert all(mend.where.startswith("instances_train.json: ") for mend in mended.mends)


@pytest.mark.parametrize(
    "damage", [lambda entry: entry.pop("id"), lambda entry: entry.update(id=f"{entry['id']:03}-uuid")]
)
def test_annotations_without_a_number_get_one(tiny_coco: Any, damage: Damage) -> None:
    intact = boxes(read(tiny_coco))
    damaged(tiny_coco, each("annotations", damage))
    mended = read(tiny_coco)
    assert boxes(mended) == intact
    assert Counter(mend.rule for mend in mended.mends) == {"id of annotations numbered": 11}


def without_boxes(content: Content) -> None:
    for number, entry in enumerate(content["annotations"]):
        x, y, width, height = entry["bbox"]
        entry["segmentation"] = [[x, y, x + width, y, x + width, y + height]]
        if number % 3:
            entry["bbox"] = [[], [0, 0, 0, 0]][number % 3 - 1]
        else:
            del entry["bbox"]


@pytest.mark.parametrize("reading", [{}, {"bbox": "xyxy"}])
def test_boxes_are_drawn_around_segmentations(tiny_coco: Any, reading: dict[str, str]) -> None:
    intact = boxes(read(tiny_coco))
    damaged(tiny_coco, without_boxes)
    mended = read(tiny_coco, **reading)
    assert boxes(mended) == intact
    assert {mend.rule for mend in mended.mends} == {"box drawn around the segmentation"}


def rewritten(form: str) -> Damage:
    def damage(entry: Content) -> None:
        x, y, width, height = entry["bbox"]
        wide, high = (100, 50) if form.endswith("-shares") else (1, 1)
        x, y, width, height = x / wide, y / high, width / wide, height / high
        entry["bbox"] = {
            "xywh": [x, y, width, height],
            "xyxy": [x, y, x + width, y + height],
            "cxcywh": [x + width / 2, y + height / 2, width, height],
        }[form.removesuffix("-shares")]
        entry["area"] = 1  # says nothing

    return each("annotations", damage)


@pytest.mark.parametrize("form", ["xyxy", "cxcywh", "xywh-shares", "xyxy-shares", "cxcywh-shares"])
def test_boxes_in_another_form_are_refused_until_it_is_named(tiny_coco: Any, form: str) -> None:
    intact = boxes(read(tiny_coco))
    damaged(tiny_coco, rewritten(form))
    with pytest.raises(UserError, match=rf"instances_train\.json: boxes are read as .*--bbox {form} "):
        read(tiny_coco)
    told = read(tiny_coco, bbox=form)
    assert [pytest.approx(box) for box in intact] == boxes(told)
    assert Counter(mend.rule for mend in told.mends) == {f"box given as {form}": 11}


@pytest.mark.parametrize("told", ["xyxy", "xywh-shares"])
def test_a_form_that_does_not_fit_is_refused_though_named(tiny_coco: Any, told: str) -> None:
    with pytest.raises(UserError, match="instances_train.json: boxes are read as"):
        read(tiny_coco, bbox=told)


@pytest.mark.parametrize("form", ["xywh", "xyxy"])
def test_boxes_of_a_form_that_is_told_are_cut_and_counted(tiny_coco: Any, form: str) -> None:
    damaged(tiny_coco, rewritten(form))
    wide = [60, 5, 48, 20] if form == "xywh" else [60, 5, 108, 25]
    damaged(tiny_coco, lambda content: [entry.update(bbox=wide) for entry in content["annotations"][:3]])
    with pytest.raises(UserError, match="boxes are read as"):
        read(tiny_coco)
    rules = Counter(mend.rule for mend in read(tiny_coco, bbox=form).mends)
    assert rules[CUT] == 3


def test_boxes_that_reach_out_are_counted(tiny_coco: Any) -> None:
    damaged(tiny_coco, lambda content: content["annotations"].append(annotation(90, 1, 9, [50, 0, 80, 40])))
    (mend,) = read(tiny_coco).mends
    assert mend.rule == "box cut at the picture's edge"
    assert mend.where == "instances_train.json: annotation 90: [50, 0, 80, 40] in 100x50"


def test_a_root_that_groups_is_kin_to_its_leaves(tiny_coco: Any) -> None:
    damaged(
        tiny_coco,
        lambda content: content["categories"].extend(
            [
                {"id": 20, "name": "Vehicle", "supercategory": "thing"},
                {"id": 21, "name": "thing", "supercategory": "none"},
                {"id": 22, "name": "van", "supercategory": "vehicle"},
            ]
        ),
    )
    damaged(tiny_coco, lambda content: content["categories"][2].update(supercategory="vehicle"))
    dataset = read(tiny_coco)
    assert dataset.kin == {9: {20, 21}, 20: {9, 21, 22}, 21: {9, 20, 22}, 22: {20, 21}}
    assert dataset.annotated == {3, 7, 9}


def test_categories_above_each_other_end(tiny_coco: Any) -> None:
    damaged(tiny_coco, each("categories", lambda entry: entry.update(supercategory=entry["name"])))
    assert read(tiny_coco).kin == {}
    damaged(
        tiny_coco,
        lambda content: [
            entry.update(supercategory=above)
            for entry, above in zip(content["categories"], ("bus", "cat", "hot dog"), strict=True)
        ],
    )
    assert read(tiny_coco).kin == {3: {7, 9}, 7: {3, 9}, 9: {3, 7}}


def test_two_used_categories_of_one_name_are_named_with_their_ids(tiny_coco: Any) -> None:
    damaged(tiny_coco, lambda content: content["categories"][2].update(name="cat"))
    with pytest.raises(UserError, match="two categories have the same name, 'cat': ids 3 and 9"):
        read(tiny_coco)


def crowds(content: Content) -> None:
    for entry in content["annotations"]:
        entry["iscrowd"] = 1


def test_crowds_alone_are_refused_until_their_meaning_is_named(tiny_coco: Any) -> None:
    damaged(tiny_coco, crowds)
    with pytest.raises(UserError, match="all 11 annotations are crowds .*--crowds objects .*--crowds ignore"):
        read(tiny_coco)
    assert all(entry.iscrowd for listed in read(tiny_coco, crowds="ignore").annotations.values() for entry in listed)
    told = read(tiny_coco, crowds="objects")
    assert not any(entry.iscrowd for listed in told.annotations.values() for entry in listed)
    assert Counter(mend.rule for mend in told.mends) == {"crowd taken as one object": 11}


def under_two_ids(content: Content) -> None:
    content["images"].append(content["images"][0] | {"id": 101})
    content["annotations"].append(annotation(90, 101, 3, [60, 5, 30, 20]))


def test_a_file_under_two_ids_with_other_boxes_is_refused_until_somebody_decides(tiny_coco: Any) -> None:
    intact = read(tiny_coco)
    damaged(tiny_coco, under_two_ids)
    with pytest.raises(UserError, match=r"'001\.png' stands under 2 image ids \(1, 101\) .*--repeated-images merge"):
        read(tiny_coco)
    assert read(tiny_coco, repeated_images="first").annotations == intact.annotations
    merged = read(tiny_coco, repeated_images="merge")
    assert [entry.bbox for entry in merged.annotations[1, 3]] == [(10, 5, 30, 20), (60, 5, 30, 20)]
    assert merged.images == intact.images


def test_two_spellings_of_one_file_are_one_file(tiny_coco: Any) -> None:
    damaged(tiny_coco, under_two_ids)
    damaged(tiny_coco, lambda content: content["images"][-1].update(file_name=".\\001.png"))
    with pytest.raises(UserError, match="stands under 2 image ids"):
        read(tiny_coco)


def lay_down(coco: Any, image_id: int) -> None:
    """Store an image of the size 100x50 as a camera that was held upright does: seen upright, it is 50x100."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path: Path = coco.image("train", image_id)
    with Image.open(path) as image:
        image.save(path, exif=exif)


def drawn_upright(content: Content) -> None:
    content["annotations"] = [
        annotation(1, 1, 3, [10, 40, 30, 55]),  # fits 50x100 alone
        annotation(2, 2, 3, [5, 10, 40, 30]),  # fits both ways
        annotation(3, 3, 3, [10, 5, 80, 40]),  # of a picture without the tag
    ]


def test_boxes_that_fit_only_upright_tell_for_all_turned_pictures_of_the_file(tiny_coco: Any) -> None:
    damaged(tiny_coco, drawn_upright)
    for image_id in (1, 2):
        lay_down(tiny_coco, image_id)
    dataset = read(tiny_coco)
    assert [dataset.images[i].size for i in (1, 2, 3)] == [(50, 100), (50, 100), (100, 50)]
    assert Counter(mend.rule for mend in dataset.mends) == {"size of the picture turned as its boxes were drawn": 2}
    assert read(tiny_coco, exif="upright").images == dataset.images
    assert read(tiny_coco, exif="raw", bbox="xywh").images[1].size == (100, 50)


def test_a_file_may_list_some_turned_pictures_raw_and_others_upright(tiny_coco: Any) -> None:
    damaged(tiny_coco, drawn_upright)
    damaged(tiny_coco, lambda content: content["images"][1].update(width=50, height=100))
    for image_id in (1, 2):
        lay_down(tiny_coco, image_id)
    dataset = read(tiny_coco)
    assert [dataset.images[i].size for i in (1, 2, 3)] == [(50, 100), (50, 100), (100, 50)]
    assert [mend.where for mend in dataset.mends] == ["instances_train.json: 001.png"]

    def drawn_raw(content: Content) -> None:
        content["images"][0].update(width=50, height=100)
        content["annotations"][0]["bbox"] = [40, 10, 55, 30]  # fits 100x50 alone

    damaged(tiny_coco, drawn_raw)
    assert [read(tiny_coco).images[i].size for i in (1, 2, 3)] == [(100, 50), (100, 50), (100, 50)]


def test_boxes_that_tell_both_ways_are_refused(tiny_coco: Any) -> None:
    damaged(tiny_coco, drawn_upright)
    for image_id in (1, 2, 3):
        lay_down(tiny_coco, image_id)
    with pytest.raises(UserError, match="1 boxes fit only upright, 1 only as the pictures are stored; .*--exif"):
        read(tiny_coco)


def test_one_box_that_fits_only_as_stored_settles_it_for_all_pictures(tiny_coco: Any) -> None:
    either, raw_only = annotation(2, 2, 3, [5, 10, 40, 30]), annotation(3, 3, 3, [10, 5, 80, 40])
    for image_id in (2, 3):
        lay_down(tiny_coco, image_id)
    folder = tiny_coco.root / "train"
    damaged(tiny_coco, lambda content: content.update(annotations=[either, raw_only]))
    require_way_up(read(tiny_coco), folder, [2], told=None)
    damaged(tiny_coco, lambda content: content.update(annotations=[either]))
    with pytest.raises(UserError, match="1 pictures have an EXIF orientation, 002.png for one, .*--exif upright"):
        require_way_up(read(tiny_coco), folder, [2], told=None)
    require_way_up(read(tiny_coco), folder, [1], told=None)  # nobody asks about it
    require_way_up(read(tiny_coco), folder, [2], told="raw")


@pytest.mark.parametrize("written", [1e30, -1e19, 9.3e18, float("inf"), float("nan"), "9" * 19, "1e3", " 7", "\u0663"])
@pytest.mark.parametrize("section, key", [("images", "width"), ("annotations", "category_id"), ("categories", "id")])
def test_what_64_bits_do_not_hold_is_no_integer(tiny_coco: Any, section: str, key: str, written: Any) -> None:
    damaged(tiny_coco, lambda content: content[section][0].update({key: written}))
    with pytest.raises(UserError, match=r"instances_train\.json"):
        read(tiny_coco)


def test_numbers_of_texts_are_those_that_are_free(tiny_coco: Any) -> None:
    def rename(content: Content) -> None:
        ids = {3: "a", 7: 2**63 - 1, 9: "b"}
        for entry in content["categories"]:
            entry["id"] = ids[entry["id"]]
        for entry in content["annotations"]:
            entry["category_id"] = ids[entry["category_id"]]

    damaged(tiny_coco, rename)
    names = {number: category.name for number, category in read(tiny_coco).categories.items()}
    assert names == {1: "cat", 2: "bus", 2**63 - 1: "hot dog"}


@pytest.mark.parametrize("written", ["1", 1.0, True])
def test_a_crowd_may_be_written_otherwise(tiny_coco: Any, written: Any) -> None:
    intact = read(tiny_coco).annotations
    damaged(tiny_coco, each("annotations", lambda entry: entry["iscrowd"] and entry.update(iscrowd=written)))
    assert read(tiny_coco).annotations == intact


@pytest.mark.parametrize(
    "segmentation", [None, [], [[]], [1, 2, 3, 4, 5, 6], [[[1, 2], [3, 4]]], [[1, 2, 3]], {"counts": [1, 2]}, "polygon"]
)
def test_why_there_is_no_box_is_said(tiny_coco: Any, segmentation: Any) -> None:
    def damage(content: Content) -> None:
        del content["annotations"][0]["bbox"]
        content["annotations"][0]["segmentation"] = segmentation

    damaged(tiny_coco, damage)
    with pytest.raises(UserError, match=r"annotations\[0\] \(id 1\): has no 'bbox', and no 'segmentation' of polygons"):
        read(tiny_coco)


@pytest.mark.parametrize("name", ["Cat", " cat ", "CAT", "c\u0430t", "cats"])
def test_names_that_differ_in_case_and_blanks_are_kin(tiny_coco: Any, name: str) -> None:
    damaged(tiny_coco, lambda content: content["categories"].append({"id": 20, "name": name}))
    alike = name.strip().lower() == "cat"
    assert read(tiny_coco).kin == ({3: {20}, 20: {3}} if alike else {})


def test_many_names_that_differ_in_blanks_are_refused(tiny_coco: Any) -> None:
    damaged(
        tiny_coco,
        lambda content: content["categories"].extend({"id": 20 + n, "name": "van" + n * " "} for n in range(33)),
    )
    with pytest.raises(UserError, match="33 categories have the name 'van' but for case and blanks; rename them"):
        read(tiny_coco)


@pytest.mark.parametrize(
    "above", [pytest.param("root", id="one root", marks=pytest.mark.long), pytest.param("c{}", id="a tree")]
)
def test_a_hundred_thousand_categories_take_seconds(tiny_coco: Any, above: str) -> None:
    """Linear: 200 s and more were seen."""
    names = ["root", *(f"c{n}" for n in range(1, 100_000))]
    tiny_coco.write(
        "train",
        {
            "images": tiny_coco.read("train")["images"],
            "categories": [
                {"id": n, "name": name, "supercategory": above.format(n // 2)} for n, name in enumerate(names)
            ],
            "annotations": [annotation(1, 1, 5, [10, 5, 30, 20]), annotation(2, 2, 7, [10, 5, 30, 20])],
        },
    )
    start = time.process_time()
    dataset = read(tiny_coco)
    index = index_pairs(dataset, dataset.images, dataset.categories, allow_crowd=False)
    assert len(absent(index, dataset.images, dataset.categories, 99, seed=0)) == 99
    assert time.process_time() - start < 30
