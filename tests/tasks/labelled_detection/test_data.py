# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From lines of JSON, and from COCO's layout, to rows that are valid, seen and measured."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from detection_data import rows_of
from PIL import Image

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.datasets.coco_layout import CocoPaths
from verl_visual_rft.datasets.detection import Selection
from verl_visual_rft.datasets.labelled import KIN, prepare_labelled
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.readers.jsonl import read_jsonl
from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.datasets.view import write_view
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.evaluate import evaluate
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.tasks import load_task, read_truth
from verl_visual_rft.tasks.labelled_detection.annotations import ANNOTATIONS
from verl_visual_rft.tasks.labelled_detection.prompt import labelled_prompt

TASK = "labelled_detection"
SIZE = (200, 100)
ABOUT = ("index", "image_id", "category", "category_id", "width", "height")
CUP, PEN = [20, 10, 60, 50], [100, 50, 180, 90]
LINES: list[dict[str, Any]] = [
    {"categories": ["pen", "cup"], "objects": [{"bbox_2d": CUP, "label": "cup"}, {"bbox_2d": PEN, "label": "pen"}]},
    {"objects": [{"bbox_2d": PEN, "label": "fork"}, {"bbox_2d": PEN, "label": "pen"}]},
    {"categories": ["cup", "fork"], "objects": []},
]


def lines_file(folder: Path, lines: list[dict[str, Any]], name: str = "val") -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(len(lines)):
        Image.new("RGB", SIZE, (60 * number, 90, 20 * len(name))).save(folder / f"{name}{number}.png")
    full = [{"image": f"{name}{number}.png", "task": TASK, **line} for number, line in enumerate(lines)]
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in full))
    return path


def answered(folder: Path, respond: Callable[[dict[str, Any]], str]) -> Path:
    """Answer every row of the validation data in a predictions file."""
    rows, path = rows_of(folder / "val.parquet"), folder / "predictions.jsonl"
    predictions = [
        Prediction(
            task=row["ability"],
            ground_truth=row["reward_model"]["ground_truth"],
            response=respond(row),
            response_tokens=1,
            finish_reason="stop",
            **{key: row["extra_info"][key] for key in ABOUT},
        )
        for row in rows
    ]
    path.write_text("".join(prediction.to_line() for prediction in predictions))
    return path


def gold(row: dict[str, Any]) -> str:
    return f"<think> I look </think> {read_truth(TASK, row['reward_model']['ground_truth']).solution}"


@pytest.mark.parametrize("family", ["qwen2-vl", "qwen2.5-vl", "qwen3-vl"])
@pytest.mark.parametrize("think", [True, False])
def test_from_lines_to_figures(tmp_path: Path, family: str, think: bool) -> None:
    files = {"train": lines_file(tmp_path, LINES[:1], "train"), "val": lines_file(tmp_path, LINES)}
    splits, task = read_jsonl(files, "an object", "its class").splits, load_task(TASK)
    every = [question for split in splits.values() for question in split]

    def companions(kept: Any) -> Any:
        return task.companions(every, splits["val"], kept["val"])

    out, options = tmp_path / "out", PrepareOptions(family=family, think=think)
    prepare(out, splits, options, "desk", [], details=task.manifest_keys(every), companions=companions)
    assert load_manifest(out)["labelled_categories"] == ["cup", "fork", "pen"]  # type: ignore[typeddict-item]
    assert validate([out / name for name in ("sft_train.parquet", "val.parquet")]) == []

    first, second, third = rows_of(out / "val.parquet")
    assert first["prompt"][0]["content"] == "<image>" + labelled_prompt(["pen", "cup"], think, family == "qwen2.5-vl")
    truth = json.loads(first["reward_model"]["ground_truth"])
    assert [entry["label"] for entry in truth["objects"]] == ["pen", "cup"]  # in the order of the prompt
    if family != "qwen2.5-vl":
        assert truth["objects"][1]["bbox_2d"] == [100, 100, 300, 500]
    assert read_truth(TASK, second["reward_model"]["ground_truth"]).names == ("cup", "fork", "pen")
    assert read_truth(TASK, third["reward_model"]["ground_truth"]).is_negative
    (row,) = rows_of(out / "sft_train.parquet")
    target = ("<think> I see it. </think> " if think else "") + row["messages"][1]["content"]
    reward = load_reward("robust")
    assert score(TASK, target, row["reward_model"]["ground_truth"], reward)["score"] == reward.ranges[TASK][1]

    page = write_view(out / "val.parquet", tmp_path / "view.html").out.read_text()
    assert len(re.findall(r'<path class="truth" d="M', page)) == 4
    assert "cup" in page and "No Objects" in page

    figures = evaluate(answered(out, gold), out, "robust").result.figures()
    assert {name: figure and round(figure.value, 6) for name, figure in figures.items()} == dict.fromkeys(figures, 100)
    silent = evaluate(answered(out, lambda row: ""), out, "robust").result.figures()
    assert silent["map"].value == silent["f1"].value == 0  # type: ignore[union-attr]


def test_the_truth_of_lines_lies_in_the_stored_picture(tmp_path: Path) -> None:
    questions = read_jsonl({"val": lines_file(tmp_path, LINES)}, "", "").splits["val"]
    turned = {question.picture.id: Placement((100, 200), SIZE, orientation=6) for question in questions[:2]}
    truth = load_task(TASK).companions(questions, questions, turned)[ANNOTATIONS]
    assert [image["height"] for image in truth["images"]] == [200, 200]
    assert [(entry["category_id"], entry["bbox"]) for entry in truth["annotations"]] == [
        (3, [10, 100, 40, 80]),
        (1, [50, 20, 40, 40]),
        (2, [10, 100, 40, 80]),
        (3, [10, 100, 40, 80]),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"categories": ["cup"]}, "no key 'objects'"),
        ({"objects": [], "boxes": []}, "unknown key 'boxes'; .* may have 'categories'"),
        ({"objects": {}}, "'objects' is {}, not a list"),
        ({"objects": [[1, 2, 3, 4]]}, r"an object is \[1, 2, 3, 4\], not"),
        ({"objects": [{"bbox_2d": CUP}]}, "an object is .*, not"),
        ({"objects": [{"bbox_2d": CUP, "label": "cup", "confidence": 1}]}, "an object is .*, not"),
        ({"objects": [{"bbox_2d": CUP, "label": " "}]}, "an object is .*, not"),
        ({"objects": [{"bbox_2d": CUP, "label": "<image>"}]}, "placeholder"),
        ({"objects": [{"bbox_2d": [0, 0, 900, 9], "label": "cup"}]}, "reaches out of the picture"),
        ({"objects": [], "categories": []}, "'categories' is .*, not a list of names"),
        ({"objects": [], "categories": "cup"}, "'categories' is 'cup', not a list of names"),
        ({"objects": [], "categories": ["cup", "cup"]}, "names a category twice"),
        ({"objects": [], "categories": ["cup", "Cups"]}, "are the same name"),
        (
            {"objects": [{"bbox_2d": CUP, "label": "cup"}], "categories": ["pen"]},
            "'cup' is not one of its",
        ),
        ({"objects": []}, "no line names a category"),
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        read_jsonl({"train": lines_file(tmp_path, [line])}, "", "")
    assert "val.jsonl" in str(raised.value)


def test_lists_that_clash_only_together_are_refused_with_the_file(tmp_path: Path) -> None:
    lines = [{"objects": [{"bbox_2d": CUP, "label": label}]} for label in ("cup", "Cups")]
    with pytest.raises(UserError, match=r"val\.jsonl: all categories and labels together: .* are the same name"):
        read_jsonl({"train": lines_file(tmp_path, lines)}, "", "")


def test_one_object_boxed_twice_counts_once_but_may_have_two_names(tmp_path: Path) -> None:
    objects = [{"bbox_2d": CUP, "label": label} for label in ("cup", "cup", "mug")]
    content = read_jsonl({"val": lines_file(tmp_path, [{"objects": objects}])}, "", "")
    (question,) = content.splits["val"]
    assert [label for _, label in question.objects] == ["cup", "mug"]  # type: ignore[attr-defined]
    assert len(content.mends) == 1
    prepare(tmp_path / "out", content.splits, PrepareOptions(), "desk", [])
    assert validate([tmp_path / "out/val.parquet"]) == []


# --- COCO's layout ----------------------------------------------------------------------------------------------------

CATEGORIES = [{"id": 3, "name": "cat"}, {"id": 7, "name": "hot dog"}, {"id": 9, "name": "bus"}]
# By picture: category, box, crowd. Picture 4 shows nothing; 5 a crowd beside a cat; 6 a crowd alone.
SHOWN: dict[int, list[tuple[int, list[int], int]]] = {
    1: [(9, [0, 0, 100, 50], 0), (3, [10, 5, 30, 20], 0), (3, [60, 5, 30, 20], 0)],
    2: [(7, [50, 25, 50, 25], 0)],
    3: [(3, [0, 0, 50, 50], 0), (9, [10, 10, 50, 20], 0)],
    4: [],
    5: [(3, [0, 0, 50, 50], 0), (7, [0, 0, 100, 50], 1)],
    6: [(9, [0, 0, 100, 50], 1)],
    7: [(3, [0, 0, 20, 20], 0)],
}


@pytest.fixture
def layout(tmp_path: Path) -> CocoPaths:
    for split, start in (("train", 0), ("val", 100)):
        (tmp_path / split).mkdir()
        images, annotations = [], []
        for number, entries in SHOWN.items():
            key = start + number
            Image.new("RGB", (100, 50), (key, 80, 160)).save(tmp_path / split / f"{key}.png")
            images.append({"id": key, "file_name": f"{key}.png", "width": 100, "height": 50})
            for category, box, crowd in entries:
                about = {"image_id": key, "category_id": category, "bbox": box, "iscrowd": crowd}
                annotations.append({"id": len(annotations) + 1, "area": box[2] * box[3], **about})
        content = {"images": images, "annotations": annotations, "categories": CATEGORIES}
        (tmp_path / f"{split}.json").write_text(json.dumps(content))
    return CocoPaths(tmp_path / "train.json", tmp_path / "train", tmp_path / "val.json", tmp_path / "val")


def asked(path: Path) -> dict[int, tuple[list[str], list[str]]]:
    """By picture, the categories of the prompt and the labels of the objects."""
    rows = [(row, json.loads(row["reward_model"]["ground_truth"])) for row in rows_of(path)]
    return {
        int(row["extra_info"]["image_id"]): (truth["categories"], [entry["label"] for entry in truth["objects"]])
        for row, truth in rows
    }


def test_a_row_a_picture_with_all_categories_in_the_prompt(layout: CocoPaths, tmp_path: Path) -> None:
    out = tmp_path / "out"
    manifest = prepare_labelled(layout, Selection(negatives=0.25), PrepareOptions(), out)
    every = ["cat", "hot dog", "bus"]
    assert asked(out / "train.parquet") == {
        1: (every, ["cat", "cat", "bus"]),
        2: (every, ["hot dog"]),
        3: (every, ["cat", "bus"]),
        4: (every, []),
        7: (every, ["cat"]),
    }
    assert [*asked(out / "val.parquet")] == [101, 102, 103, 104, 105, 107]
    assert asked(out / "val.parquet")[105] == (every, ["cat"])
    truth = json.loads((out / ANNOTATIONS).read_text())
    assert [(entry["image_id"], entry["iscrowd"]) for entry in truth["annotations"]][-3:] == [
        (105, 0),
        (105, 1),
        (107, 0),
    ]
    assert [image["id"] for image in truth["images"]] == [101, 102, 103, 104, 105, 107]
    assert manifest["labelled_categories"] == every  # type: ignore[typeddict-item]
    assert manifest["skips"] == {
        "only crowd boxes": {
            "count": 3,
            "where": ["train.json: 5.png, 'hot dog'", "train.json: 6.png, 'bus'", "val.json: 106.png, 'bus'"],
        }
    }
    assert validate([out / "sft_train.parquet", out / "val.parquet"]) == []
    assert evaluate(answered(out, gold), out, "robust").result.figures()["map"].value == pytest.approx(100)  # type: ignore[union-attr]


def test_a_list_of_categories_and_few_shots(layout: CocoPaths, tmp_path: Path) -> None:
    selection = Selection(base_categories=("bus", "hot dog"), negatives=1 / 3)
    prepare_labelled(layout, selection, PrepareOptions(shots=1), tmp_path / "out")
    train = asked(tmp_path / "out/train.parquet")
    assert all(categories == ["bus", "hot dog"] for categories, _ in train.values())
    assert sorted(labels for _, labels in train.values()) == [[], ["bus"], ["hot dog"]]
    assert {number for number, (_, labels) in train.items() if not labels} <= {4, 7}  # 7 shows a cat alone


@pytest.mark.parametrize(
    ("changes", "shots", "message"),
    [
        ({"rows": 9}, None, "9 images with objects are more than the 4"),
        ({"rows": 4, "negatives": 0.5}, None, "2 negatives are more than the 1 images"),
        ({}, 9, "9 shots a category"),
        ({"base_categories": ("dog",)}, None, "no such category"),
    ],
)
def test_more_than_there_is_is_refused(
    layout: CocoPaths, tmp_path: Path, changes: dict[str, Any], shots: int | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        prepare_labelled(layout, replace(Selection(), **changes), PrepareOptions(shots=shots), tmp_path / "out")


def test_the_same_seed_draws_the_same_rows(layout: CocoPaths, tmp_path: Path) -> None:
    drawn = []
    for place, seed in enumerate((1, 1, 2, 3)):
        prepare_labelled(layout, Selection(rows=2), PrepareOptions(seed=seed), tmp_path / f"out{place}")
        drawn.append([*asked(tmp_path / f"out{place}/train.parquet")])
    assert drawn[0] == drawn[1] and len({tuple(rows) for rows in drawn}) > 1


def test_pictures_of_related_categories_are_left_out_and_federated_files_refused(
    layout: CocoPaths, tmp_path: Path
) -> None:
    content = json.loads(layout.train_annotations.read_text())
    content["categories"][2]["supercategory"] = "cat"  # a bus is a cat: of pictures with one of them the other is open
    layout.train_annotations.write_text(json.dumps(content))
    manifest = prepare_labelled(layout, Selection(), PrepareOptions(), tmp_path / "out")
    assert "train.json: 7.png, 'bus'" in manifest["skips"][KIN]["where"]
    assert {*asked(tmp_path / "out/train.parquet")} == {1, 2, 3}  # 7 shows a cat, which may be a bus
    for image in content["images"]:
        image |= {"neg_category_ids": [], "not_exhaustive_category_ids": []}
    layout.train_annotations.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"lists 'neg_category_ids'.*visual-rft data prepare lvis"):
        prepare_labelled(layout, Selection(), PrepareOptions(), tmp_path / "out")
