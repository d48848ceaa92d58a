# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of preparing a detection dataset: files in, folder out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from detection_data import asked, prepare, rows_of

from verl_visual_rft.datasets import prepare as prepare_module
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.detection.prompt import detection_prompt

FILES = ["manifest.json", "sft_train.parquet", "train.parquet", "val.parquet", "val_annotations.json"]


def test_the_row_is_what_verl_and_the_reward_read(tiny_coco: Any, tmp_path: Path) -> None:
    prepare(tiny_coco, tmp_path / "out")
    row = rows_of(tmp_path / "out/val.parquet")[0]
    assert row == {
        "data_source": "coco",
        "prompt": [{"role": "user", "content": "<image>" + detection_prompt("cat")}],
        "images": [
            {"bytes": tiny_coco.image("val", 11).read_bytes(), "min_pixels": 3136, "max_pixels": 401408},
        ],
        "ability": "detection",
        "reward_model": {
            "style": "rule",
            "ground_truth": '{"boxes": [[100, 100, 400, 500], [600, 100, 900, 500]]}',
        },
        "extra_info": {
            "index": 0,
            "split": "val",
            "image_id": "11",
            "file_name": "011.png",
            "width": 100,
            "height": 50,
            "category": "cat",
            "category_id": 3,
            "image_tokens": 8,
            "prompt_tokens": None,
            "model_family": "qwen2-vl",
            "reward": None,
        },
    }


def test_objects_of_a_question_that_got_no_row_are_no_misses(
    tiny_coco: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its picture stays where it is asked about another category, and AP counted all its objects."""
    prepare(tiny_coco, tmp_path / "all", val_negatives=0.5)
    truth = json.loads((tmp_path / "all/val_annotations.json").read_text())
    pairs = {(entry["image_id"], entry["category_id"]) for entry in truth["annotations"]}
    rows = [row["extra_info"] for row in rows_of(tmp_path / "all/val.parquet")]
    questions = [(int(row["image_id"]), row["category_id"]) for row in rows]
    pictures = [number for number, _ in questions]
    image, category = next(pair for pair in questions if pair in pairs and pictures.count(pair[0]) > 1)
    build = prepare_module.build_row

    def leave_one_out(question: Any, stored: Any, index: int, split: str, style: Any) -> Any:
        if split == "val" and (question.picture.id, question.category_id) == (str(image), category):
            return Skip("too many objects", question.picture.name)
        return build(question, stored, index, split, style)

    monkeypatch.setattr(prepare_module, "build_row", leave_one_out)
    prepare(tiny_coco, tmp_path / "fewer", val_negatives=0.5)
    left = json.loads((tmp_path / "fewer/val_annotations.json").read_text())
    assert left["images"] == truth["images"]
    assert {(entry["image_id"], entry["category_id"]) for entry in left["annotations"]} == pairs - {(image, category)}
    manifest = load_manifest(tmp_path / "fewer")
    assert manifest["counts"]["val"]["skipped_rows"] == manifest["skips"]["too many objects"]["count"] == 1


def test_few_shot_train_and_its_supervised_twin_hold_the_same_questions(tiny_coco: Any, tmp_path: Path) -> None:
    prepare(tiny_coco, tmp_path, shots=2, negatives=0.2)
    train, sft = rows_of(tmp_path / "train.parquet"), rows_of(tmp_path / "sft_train.parquet")
    categories = [category for _, category, boxes in asked(tmp_path / "train.parquet") if boxes]
    assert sorted(categories) == ["cat", "cat", "hot dog", "hot dog"]
    assert len(train) == 5
    for rft_row, sft_row in zip(train, sft, strict=True):
        question, answer = sft_row.pop("messages")
        assert sft_row == rft_row
        assert [question] == rft_row["prompt"]
        boxes = json.loads(rft_row["reward_model"]["ground_truth"])["boxes"]
        assert answer["role"] == "assistant"
        assert answer["content"].count("'Position'") == len(boxes)
        assert ("No Objects" in answer["content"]) == (not boxes)


def test_few_shot_negatives_stay_on_the_chosen_images(tiny_coco: Any, tmp_path: Path) -> None:
    prepare(tiny_coco, tmp_path, base_categories=("cat", "bus"), novel_categories=(), shots=2, negatives=0.2)
    questions = asked(tmp_path / "train.parquet")
    shown = {image for image, _, boxes in questions if boxes}
    assert [image in shown for image, _, boxes in questions if not boxes] == [True]


def test_open_vocabulary_rows_have_the_asked_share_of_negatives(tiny_coco: Any, tmp_path: Path) -> None:
    prepare(tiny_coco, tmp_path, shots=None, rows=8, negatives=0.25)
    questions = asked(tmp_path / "train.parquet")
    assert (len(questions), sum(not boxes for _, _, boxes in questions)) == (8, 2)
    assert "bus" not in {category for _, category, _ in questions}
    assert (3, "hot dog") not in {(image, category) for image, category, _ in questions}


def test_validation_asks_every_present_category_and_its_truth_keeps_crowds(tiny_coco: Any, tmp_path: Path) -> None:
    prepare(tiny_coco, tmp_path)
    assert [question[:2] for question in asked(tmp_path / "val.parquet")] == [(11, "cat"), (12, "bus"), (13, "cat")]
    truth = json.loads((tmp_path / "val_annotations.json").read_text())
    assert [(entry["id"], entry["iscrowd"]) for entry in truth["annotations"]] == [
        *[(31, 0), (32, 0), (33, 1), (34, 0), (35, 0), (36, 1)]
    ]
    assert truth["annotations"][0] == {
        "id": 31,
        "image_id": 11,
        "category_id": 3,
        "bbox": [10.0, 5.0, 30.0, 20.0],
        "area": 300.0,
        "iscrowd": 0,
    }
    assert [category["name"] for category in truth["categories"]] == ["cat", "hot dog", "bus"]


def with_root(coco: Any) -> None:
    """Group the categories below a root without boxes of its own, as Roboflow does."""
    for split in ("train", "val"):
        content = coco.read(split)
        for category in content["categories"]:
            category["supercategory"] = "things"
        content["categories"].insert(0, {"id": 0, "name": "things", "supercategory": "none"})
        coco.write(split, content)


def test_a_root_without_annotations_is_not_asked_about(tiny_coco: Any, tmp_path: Path) -> None:
    with_root(tiny_coco)
    prepare(tiny_coco, tmp_path, base_categories=None, shots=None, rows=6, negatives=0.5, val_negatives=0.3)
    rows = [*asked(tmp_path / "train.parquet"), *asked(tmp_path / "val.parquet")]
    assert any(not boxes for _, _, boxes in rows)
    assert "things" not in {category for _, category, _ in rows}
    manifest = load_manifest(tmp_path)
    assert "things" not in manifest["categories"]["base"]
    assert manifest["mends"]["category without annotations, not asked about"]["where"] == [
        "instances_train.json: 'things'"
    ]


def test_a_category_that_training_pictures_do_not_show_is_asked_about_in_validation(
    tiny_coco: Any, tmp_path: Path
) -> None:
    content = tiny_coco.read("train")
    hidden = content["categories"][0]
    content["annotations"] = [entry for entry in content["annotations"] if entry["category_id"] != hidden["id"]]
    tiny_coco.write("train", content)
    prepare(tiny_coco, tmp_path, base_categories=None, shots=None, rows=2)
    shown = {category for _, category, boxes in asked(tmp_path / "val.parquet") if boxes}
    assert hidden["name"] in shown


def test_a_root_without_annotations_is_absent_nowhere_though_it_is_named(tiny_coco: Any, tmp_path: Path) -> None:
    with_root(tiny_coco)
    with pytest.raises(UserError, match="negatives are more than the 0 absent"):
        prepare(tiny_coco, tmp_path, base_categories=("things",), shots=None, rows=1, negatives=0.99)


def test_validation_negatives_and_image_limit(tiny_coco: Any, tmp_path: Path) -> None:
    prepare(tiny_coco, tmp_path, val_negatives=0.5, max_val_images=2)
    questions = asked(tmp_path / "val.parquet")
    assert len({image for image, _, _ in questions}) == 2
    assert sum(not boxes for _, _, boxes in questions) == len(questions) / 2
    assert (11, "hot dog") not in {question[:2] for question in questions}
    images = json.loads((tmp_path / "val_annotations.json").read_text())["images"]
    assert {image["id"] for image in images} == {image for image, _, _ in questions}


def test_base_categories_default_to_all_that_are_not_novel(tiny_coco: Any, tmp_path: Path) -> None:
    prepare(tiny_coco, tmp_path, base_categories=None, novel_categories=("hot dog",))
    assert load_manifest(tmp_path)["categories"] == {"base": ["cat", "bus"], "novel": ["hot dog"]}


def test_no_think_changes_the_prompt_alone(tiny_coco: Any, tmp_path: Path) -> None:
    prepare(tiny_coco, tmp_path, think=False)
    content = rows_of(tmp_path / "train.parquet")[0]["prompt"][0]["content"]
    assert "<answer>" in content
    assert "<think>" not in content


def test_equal_input_and_seed_give_equal_bytes(tiny_coco: Any, tmp_path: Path) -> None:
    contents = []
    for run in ("first", "second"):
        prepare(tiny_coco, tmp_path / run, shots=None, rows=6, negatives=0.3, val_negatives=0.3)
        contents.append({path.name: path.read_bytes() for path in sorted((tmp_path / run).iterdir())})
        shuffled = tiny_coco.root.rename(tiny_coco.root.with_name(f"moved_{run}"))
        tiny_coco = replace(tiny_coco, root=shuffled)
    assert contents[0] == contents[1]
    prepare(tiny_coco, tmp_path / "other", shots=None, rows=6, negatives=0.3, val_negatives=0.3, seed=1)
    assert (tmp_path / "other/train.parquet").read_bytes() != contents[0]["train.parquet"]


def test_the_manifest_tells_sources_choice_and_counts(tiny_coco: Any, tmp_path: Path) -> None:
    prepare(tiny_coco, tmp_path, shots=2)
    manifest = load_manifest(tmp_path)
    assert (manifest["seed"], manifest["shots"]) == (0, 2)
    expected = hashlib.sha256(tiny_coco.annotations("train").read_bytes()).hexdigest()
    assert manifest["sources"]["files"][0]["file"] == "instances_train.json"
    assert manifest["sources"]["files"][0]["sha256"] == expected
    assert sorted(manifest["chosen"]["train"]["positives"]["hot dog"]) == ["1", "2"]
    assert manifest["skips"] == {
        "only crowd boxes": {
            "count": 2,
            "where": ["instances_train.json: 003.png, 'hot dog'", "instances_val.json: 011.png, 'hot dog'"],
        },
    }
    assert manifest["counts"]["both"]["images"] == 0
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert sorted([*manifest["files"], "manifest.json"]) == FILES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_categories": ("hotdog",)}, "'hotdog': did you mean 'hot dog'"),
        ({"novel_categories": ("cat",)}, "'cat' cannot be base and novel at once"),
        ({"shots": 3}, "'hot dog' has 2"),
        ({"shots": None, "rows": 100}, "100 rows"),
        ({"shots": None}, "either rows .* or shots"),
        ({"negatives": 0.9}, "negatives"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    tiny_coco: Any, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        prepare(tiny_coco, tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()
