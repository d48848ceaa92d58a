# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Two truths of one question about one picture: the later one is not taught, whichever reader it comes from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.readers.coco_file import read_coco_file
from verl_visual_rft.datasets.readers.jsonl import read_jsonl
from verl_visual_rft.datasets.tally import CONTRADICTION
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.question import Question

BOX, OTHER = [10, 5, 40, 25], [50, 5, 90, 45]

#: What a line asks, and what another line says of it.
LINES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "classification": ({"label": "kitchen"}, {"label": "bath"}),
    "detection": ({"category": "cup", "boxes": [BOX]}, {"category": "cup", "boxes": [OTHER]}),
    "detection, one is nothing": ({"category": "cup", "boxes": [BOX]}, {"category": "cup", "boxes": []}),
    "grounding": ({"instruction": "it", "box": BOX}, {"instruction": "it", "box": OTHER}),
    "counting": ({"category": "cup", "count": 2}, {"category": "cup", "count": 3}),
    "pointing": ({"instruction": "it", "targets": [{"box": BOX}]}, {"instruction": "it", "targets": []}),
    "labelled_detection": (
        {"objects": [{"bbox_2d": BOX, "label": "cup"}], "categories": ["cup", "pen"]},
        {"objects": [{"bbox_2d": BOX, "label": "pen"}], "categories": ["pen", "cup"]},
    ),
}

Copy = Callable[[Path, Path], object]


@pytest.fixture(params=["copy", "symbolic link", "hard link"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A photo under two names."""
    Image.new("RGB", (100, 50), "teal").save(tmp_path / "a.png")
    ways: dict[str, Copy] = {
        "copy": shutil.copy,
        "symbolic link": lambda old, new: new.symlink_to(old.name),
        "hard link": lambda old, new: new.hardlink_to(old),
    }
    ways[request.param](tmp_path / "a.png", tmp_path / "b.png")
    return tmp_path


def read(folder: Path, *lines: dict[str, Any]) -> Sequence[Question]:
    path = folder / "own.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return read_jsonl({"train": path}, "a room", "its kind").splits["train"]


def taught(out: Path, questions: Sequence[Question], split: str = "train", **options: Any) -> tuple[list[str], Any]:
    """Names of the pictures that rows are about, and what was left out."""
    manifest = prepare(out, {split: questions}, PrepareOptions(**options), "own", [])
    rows = pq.read_table(out / f"{split}.parquet").to_pylist()
    return [row["extra_info"]["file_name"] for row in rows], manifest["skips"]


@pytest.mark.parametrize("name", LINES)
def test_of_two_lines_about_one_picture_the_first_is_taught(folder: Path, name: str) -> None:
    task = {"task": name.split(",")[0]}
    first, second = LINES[name]
    questions = read(folder, {"image": "a.png", **task, **first}, {"image": "b.png", **task, **second})
    names, skips = taught(folder / "out", questions)
    assert names == ["a.png"]
    assert skips[CONTRADICTION]["count"] == 1
    assert skips[CONTRADICTION]["where"][0].startswith("b.png, as a.png: ")
    with pytest.raises(UserError, match=f"which --strict forbids:\n  {CONTRADICTION}: b.png, as a.png"):
        taught(folder / "strict", questions, strict=True)


@pytest.mark.parametrize("name", LINES)
def test_who_says_the_same_again_is_no_contradiction(folder: Path, name: str) -> None:
    task, line = {"task": name.split(",")[0]}, LINES[name][0]
    questions = read(folder, {"image": "a.png", **task, **line}, {"image": "b.png", **task, **line})
    assert taught(folder / "out", questions) == (["a.png", "b.png"], {})


def test_boxes_in_another_order_say_the_same(folder: Path) -> None:
    line = {"task": "detection", "category": "cup"}
    questions = read(
        folder, {"image": "a.png", **line, "boxes": [BOX, OTHER]}, {"image": "b.png", **line, "boxes": [OTHER, BOX]}
    )
    assert taught(folder / "out", questions) == (["a.png", "b.png"], {})


def test_what_is_scored_and_not_taught_stays_whole(folder: Path) -> None:
    (task, (first, second)) = ("classification", LINES["classification"])
    questions = read(folder, {"image": "a.png", "task": task, **first}, {"image": "b.png", "task": task, **second})
    assert taught(folder / "out", questions, split="test") == (["a.png", "b.png"], {})


def test_another_part_of_a_file_is_another_picture(folder: Path) -> None:
    """The first is cut at the bottom, the second is not: they show different things."""
    (task, (first, second)) = ("classification", LINES["classification"])
    whole, other = read(folder, {"image": "a.png", "task": task, **first}, {"image": "b.png", "task": task, **second})
    cut = replace(whole, picture=replace(whole.picture, crop_bottom=20))
    assert taught(folder / "out", [cut, other]) == (["a.png", "b.png"], {})


def test_a_coco_file_with_one_picture_under_two_names(folder: Path) -> None:
    content = {
        "images": [{"id": n, "file_name": f"{name}.png", "width": 100, "height": 50} for n, name in enumerate("ab")],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [10 + 40 * n, 5, 30, 20], "iscrowd": 0} for n in (0, 1)
        ],
        "categories": [{"id": 1, "name": "cup"}],
    }
    path = folder / "boxes.json"
    path.write_text(json.dumps(content))
    names, skips = taught(folder / "out", read_coco_file(path, folder).questions)
    assert (names, skips[CONTRADICTION]["where"]) == (["a.png"], ["b.png, as a.png: cup"])
