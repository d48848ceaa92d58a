# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the COCO reader: what it reads, and what it refuses with which words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shared_inputs import shared

from verl_visual_rft.datasets.category_lists import COCO_BASE65, COCO_FEWSHOT8, COCO_NOVEL15
from verl_visual_rft.datasets.coco_layout import Annotation, CocoDataset, find_layout, parse_coco, read_annotations
from verl_visual_rft.errors import UserError


def load(path: Path) -> CocoDataset:
    return parse_coco(path, read_annotations(path))


def test_load_reads_images_categories_and_pairs(tiny_coco: Any) -> None:
    dataset = load(tiny_coco.annotations("val"))
    assert dataset.images[12].size == (100, 50)
    assert dataset.category_ids(["bus", "cat"]) == {9: "bus", 3: "cat"}
    assert [entry.id for entry in dataset.annotations[11, 3]] == [31, 32]
    assert dataset.annotations[13, 3][1].iscrowd
    assert (11, 9) not in dataset.annotations


def test_real_coco_annotations_and_the_papers_category_ids() -> None:
    dataset = load(shared("data/visual_rft/instances_val2017_subset.json"))
    assert (len(dataset.images), sum(map(len, dataset.annotations.values()))) == (188, 1692)
    assert sum(entry.iscrowd for entries in dataset.annotations.values() for entry in entries) == 20
    assert list(dataset.category_ids(COCO_NOVEL15)) == [5, 7, 14, 17, 23, 33, 34, 36, 48, 54, 58, 70, 74, 80, 89]
    assert list(dataset.category_ids(COCO_FEWSHOT8)) == [6, 7, 11, 13, 17, 18, 65, 70]
    assert sorted(dataset.category_ids((*COCO_BASE65, *COCO_NOVEL15))) == sorted(dataset.categories)


@pytest.mark.parametrize(
    ("bbox", "corners"),
    [
        ((10.0, 5.0, 30.0, 20.0), (10.0, 5.0, 40.0, 25.0)),
        ((-3.0, -1.0, 10.0, 10.0), (0.0, 0.0, 7.0, 9.0)),
        ((90.0, 40.0, 20.0, 20.0), (90.0, 40.0, 100.0, 50.0)),
        ((10.0, 5.0, 0.0, 20.0), None),
        ((100.0, 5.0, 10.0, 10.0), None),
        ((10.0, 5.0, -4.0, 10.0), None),
    ],
)
def test_corners_within_the_image(bbox: tuple[float, float, float, float], corners: tuple[float, ...] | None) -> None:
    assert Annotation(1, 1, 1, bbox, 1.0, False).corners_within((100, 50)) == corners


Damage = Callable[[dict[str, Any]], Any]


def changed(section: str, position: int, key: str, value: Any) -> Damage:
    def damage(content: dict[str, Any]) -> dict[str, Any]:
        content[section][position][key] = value
        return content

    return damage


def without(section: str, position: int, key: str) -> Damage:
    def damage(content: dict[str, Any]) -> dict[str, Any]:
        del content[section][position][key]
        return content

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: [content], "top level is list"),
        (lambda content: {"images": []}, "no list under 'annotations', 'categories'"),
        (without("images", 1, "file_name"), "images[1] (id 12): key 'file_name' is missing"),
        (changed("images", 0, "file_name", "../secret.png"), "is no path inside the image folder"),
        (changed("images", 0, "file_name", "/etc/secret.png"), "is no path inside the image folder"),
        (changed("images", 0, "width", 0), "'width' is 0, not an integer of at least 1"),
        (changed("images", 0, "id", "a"), "'id' is 'a', not an integer"),
        (changed("images", 0, "id", 12), "id 12 stands twice in 'images'"),
        (changed("categories", 0, "name", "bus"), "two categories have the same name"),
        (changed("categories", 0, "name", "<image>"), "contains a placeholder"),
        (changed("annotations", 0, "id", 32), "id 32 stands twice in 'annotations'"),
        (changed("annotations", 0, "image_id", 99), "annotations[0] (id 31): 'image_id' 99 is not in 'images'"),
        (changed("annotations", 0, "category_id", 99), "'category_id' 99 is not in 'categories'"),
        (changed("annotations", 0, "bbox", [1, 2, 3]), "not four finite numbers"),
        (changed("annotations", 0, "bbox", [1, 2, 3, float("nan")]), "not four finite numbers"),
        (changed("annotations", 0, "iscrowd", "no"), "'iscrowd' is 'no', not 0 or 1"),
        (changed("annotations", 0, "area", None), "'area' is None"),
        (lambda content: {**content, "annotations": ["box"]}, "annotations[0]: is str, not an object"),
    ],
)
def test_what_is_not_coco_is_refused_by_name(tiny_coco: Any, damage: Damage, message: str) -> None:
    tiny_coco.write("val", damage(tiny_coco.read("val")))
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        load(tiny_coco.annotations("val"))
    assert str(tiny_coco.annotations("val")) in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"{", "is not JSON"), (b"\x89PNG\xff", "is not UTF-8 text .byte 0x89"), (None, "cannot read")],
)
def test_unreadable_files_are_refused(tmp_path: Path, data: bytes | None, message: str) -> None:
    path = tmp_path / "a.json"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UserError, match=message):
        load(path)


def test_find_layout_knows_both_names(tiny_coco: Any) -> None:
    assert find_layout(tiny_coco.root).val_images == tiny_coco.root / "val"
    for split in ("train", "val"):
        tiny_coco.annotations(split).rename(tiny_coco.root / f"annotations/instances_{split}2017.json")
    assert find_layout(tiny_coco.root).train_images == tiny_coco.root / "train2017"


@pytest.mark.parametrize(
    ("content", "message"), [(None, "is not a folder"), ([], "is empty"), (["photo.jpg"], "is not in COCO layout")]
)
def test_find_layout_says_what_it_expected(tmp_path: Path, content: list[str] | None, message: str) -> None:
    root = tmp_path / "root"
    if content is not None:
        root.mkdir()
        for name in content:
            (root / name).touch()
    with pytest.raises(UserError, match=message):
        find_layout(root)


def test_find_layout_does_not_choose_between_two(tiny_coco: Any) -> None:
    tiny_coco.annotations("val").with_name("instances_val2017.json").write_text("{}")
    with pytest.raises(UserError, match="holds both layouts"):
        find_layout(tiny_coco.root)
