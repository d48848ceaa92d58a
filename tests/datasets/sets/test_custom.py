# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`visual-rft data prepare custom`: data of one's own, in three forms."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prepared_sets import prepare, rows_of
from prepared_sets import prepared as prepared_set

from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.evaluation.prepared import load_truth

SIZE = (100, 50)


def prepared(out: Path, *arguments: object) -> str:
    output = prepared_set("custom", "--out", out, *arguments)
    assert validate(sorted(out.glob("*.parquet"))) == []
    return output


def shown(path: Path) -> set[str]:
    return {row["extra_info"]["image_id"] for row in rows_of(path)}


def save(path: Path, colour: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, (10 * colour, 80, 160)).save(path)  # no two pictures are equal


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    """Ten pictures of each of two mushrooms, and a file that is no picture."""
    for number in range(20):
        save(tmp_path / "mushrooms" / ("chanterelle", "fly agaric")[number % 2] / f"{number}.jpg", number)
    (tmp_path / "mushrooms/fly agaric/notes.txt").write_text("found in May")
    return tmp_path / "mushrooms"


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Ten pictures with a cup each; the last has a crowd of bowls, the first one bowl. One file is missing."""
    images = [{"id": n, "file_name": f"{n}.png", "width": SIZE[0], "height": SIZE[1]} for n in range(11)]
    for number in range(10):
        save(tmp_path / f"photos/{number}.png", number)
    cups = [{"id": n, "image_id": n, "category_id": 4, "bbox": [10, 5, 30, 20]} for n in range(11)]
    bowls = [
        {"id": 20 + n, "image_id": n, "category_id": 2, "bbox": [0, 0, 50, 50], "iscrowd": int(n == 9)} for n in (0, 9)
    ]
    categories = [{"id": 2, "name": "bowl"}, {"id": 4, "name": "cup"}]
    path = tmp_path / "any name.json"
    path.write_text(json.dumps({"images": images, "annotations": cups + bowls, "categories": categories}))
    return path


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    """Ten pictures, three questions about each."""
    lines = []
    for number in range(10):
        save(tmp_path / f"own/pictures/{number}.jpg", number)
        picture = {"image": f"pictures/{number}.jpg"}
        box = [10 * number, 0, 10 * number + 10, 50]
        lines += [
            picture | {"task": "detection", "category": "cup", "boxes": [box] if number else []},
            picture | {"task": "classification", "label": ("kitchen", "bath")[number % 2], "reward": "paper"},
            picture | {"task": "grounding", "instruction": "what one drinks from", "box": box},
        ]
    path = tmp_path / "own/questions.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_class_folders_with_held_out_pictures_and_shots(class_folders: Path, tmp_path: Path) -> None:
    words = ("--container", "a mushroom", "--asked", "the species of the mushroom", "--name", "mushrooms")
    output = prepared(
        tmp_path / "out",
        "--class-folders",
        class_folders,
        "--val-share",
        0.2,
        "--shots",
        4,
        "--sampler",
        "nested",
        *words,
    )
    train, val = (rows_of(tmp_path / f"out/{split}.parquet") for split in ("train", "val"))
    assert sorted(row["extra_info"]["category"] for row in train) == ["chanterelle"] * 4 + ["fly agaric"] * 4
    assert sorted(row["extra_info"]["category"] for row in val) == ["chanterelle"] * 2 + ["fly agaric"] * 2
    assert not shown(tmp_path / "out/train.parquet") & shown(tmp_path / "out/val.parquet")
    assert (
        "an image containing a mushroom. Please identify the species of the mushroom"
        in train[0]["prompt"][0]["content"]
    )
    assert json.loads(train[0]["reward_model"]["ground_truth"])["labels"] == ["chanterelle", "fly agaric"]
    assert {row["data_source"] for row in train} == {"mushrooms"}
    picture = class_folders / train[0]["extra_info"]["file_name"]
    assert train[0]["images"][0]["bytes"] == picture.read_bytes()
    assert "notes.txt" in output


def test_class_folders_with_splits(class_folders: Path, tmp_path: Path) -> None:
    class_folders.rename(tmp_path / "train")
    (tmp_path / "val").mkdir()
    (tmp_path / "train/chanterelle").rename(tmp_path / "val/chanterelle")
    prepared(tmp_path / "out", "--class-folders", tmp_path)
    assert (len(rows_of(tmp_path / "out/train.parquet")), len(rows_of(tmp_path / "out/val.parquet"))) == (10, 10)
    done = prepare("custom", "--out", tmp_path / "other", "--class-folders", tmp_path, "--val-share", 0.5)
    assert done.returncode == 2 and "val has its val/ already" in done.stderr


def test_a_coco_file(coco: Path, tmp_path: Path) -> None:
    output = prepared(tmp_path / "out", "--coco", coco, "--images", tmp_path / "photos", "--val-share", 0.2)
    every = rows_of(tmp_path / "out/train.parquet") + rows_of(tmp_path / "out/val.parquet")
    assert sorted(row["extra_info"]["category"] for row in every) == ["bowl"] + ["cup"] * 10
    assert {row["reward_model"]["ground_truth"] for row in every if row["extra_info"]["category"] == "cup"} == {
        '{"boxes": [[100, 100, 400, 500]]}'
    }
    assert "only crowd boxes" in output and "no file" in output
    skips = load_manifest(tmp_path / "out")["skips"]
    assert {rule: skip["count"] for rule, skip in skips.items()} == {"only crowd boxes": 1, "no file": 1}
    truth = load_truth(tmp_path / "out")
    assert truth.groups == {"base": ("bowl", "cup"), "novel": ()}
    assert set(truth.image_ids) == shown(tmp_path / "out/val.parquet")
    cups = [entry for entry in truth.annotations["annotations"] if entry["category_id"] == 4]
    assert [cup["bbox"] for cup in cups] == [[10, 5, 30, 20]] * len(cups) and len(cups) == 2


def test_chosen_categories_and_a_validation_file(coco: Path, tmp_path: Path) -> None:
    photos, val_photos = tmp_path / "photos", tmp_path / "val photos"
    for path in photos.iterdir():
        save(val_photos / path.name, 10 + int(path.stem))
    prepared(
        tmp_path / "out", "--coco", coco, "--images", photos, "--categories", "cup", "--val-coco", coco,
        "--val-images", val_photos,
    )  # fmt: skip
    for split in ("train", "val"):
        assert {row["extra_info"]["category"] for row in rows_of(tmp_path / f"out/{split}.parquet")} == {"cup"}


def test_json_lines_of_mixed_tasks(jsonl: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepared(out, "--jsonl", jsonl, "--val-share", 0.4, "--reward", "robust")
    train = rows_of(out / "train.parquet")
    assert {row["ability"]: row["extra_info"]["reward"] for row in train} == {
        "detection": "robust", "classification": "paper", "grounding": "robust",
    }  # fmt: skip
    assert not shown(out / "train.parquet") & shown(out / "val.parquet")
    assert len(shown(out / "val.parquet")) == 4
    for row in train + rows_of(out / "val.parquet"):
        number = int(Path(row["extra_info"]["file_name"]).stem)
        truth = json.loads(row["reward_model"]["ground_truth"])
        box = [100 * number, 0, 100 * number + 100, 1000]
        expected: dict[str, Any] = {
            "detection": {"boxes": [box] if number else []},
            "classification": {"label": ("kitchen", "bath")[number % 2], "labels": ["bath", "kitchen"]},
            "grounding": {"box": box},
        }
        assert truth == expected[row["ability"]]
    assert set(load_truth(out).image_ids) == shown(out / "val.parquet")


@pytest.mark.parametrize(
    ("surplus", "left"),
    [
        ("detection", {"val_labelled_annotations.json": 1}),
        ("labelled_detection", {"val_annotations.json": 1}),
    ],
)
def test_objects_of_a_question_without_a_row_are_in_no_truth_and_those_of_others_stay(
    surplus: str, left: dict[str, int], tmp_path: Path
) -> None:
    """On one picture two tasks ask about one category, one of them about more objects than an answer may have."""
    Image.new("RGB", (400, 400)).save(tmp_path / "a.png")
    boxes = {task: [[0, 0, 10, 10]] for task in ("detection", "labelled_detection")}
    if surplus in boxes:
        boxes[surplus] = [[x, y, x + 10, y + 10] for x in range(0, 400, 20) for y in range(0, 400, 20)]
    lines = [
        {"task": "detection", "category": "cup", "boxes": boxes["detection"]},
        {
            "task": "labelled_detection",
            "categories": ["cup"],
            "objects": [{"bbox_2d": box, "label": "cup"} for box in boxes["labelled_detection"]],
        },
    ]
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(json.dumps(line | {"image": "a.png"}) for line in lines))
    prepared_set("custom", "--out", tmp_path / "out", "--jsonl", path, "--val-jsonl", path)
    truths = {file.name: json.loads(file.read_text()) for file in (tmp_path / "out").glob("val_*.json")}
    assert {name: len(truth["annotations"]) for name, truth in truths.items()} == left


def test_the_same_input_and_seed_give_the_same_bytes(jsonl: Path, tmp_path: Path) -> None:
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepared(
            tmp_path / out, "--jsonl", jsonl, "--val-share", 0.3, "--seed", seed, "--workers", 1 if out == "a" else 2
        )
    contents = [{path.name: path.read_bytes() for path in (tmp_path / out).iterdir()} for out in "abc"]
    assert contents[0] == contents[1]
    assert contents[0]["val.parquet"] != contents[2]["val.parquet"]


def test_pictures_that_cannot_be_used_are_left_out_and_listed(jsonl: Path, tmp_path: Path) -> None:
    (jsonl.parent / "pictures/1.jpg").write_bytes(b"no picture")
    (jsonl.parent / "pictures/2.jpg").unlink()
    prepared(tmp_path / "out", "--jsonl", jsonl)
    skips = load_manifest(tmp_path / "out")["skips"]
    assert {rule: skip["where"] for rule, skip in skips.items()} == {
        "not a picture": ["pictures/1.jpg"], "no file": ["pictures/2.jpg"],
    }  # fmt: skip
    assert len(rows_of(tmp_path / "out/train.parquet")) == 24
    done = prepare("custom", "--out", tmp_path / "strict", "--jsonl", jsonl, "--strict")
    assert done.returncode == 2 and "pictures/2.jpg" in done.stderr
    assert not (tmp_path / "strict/manifest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--coco {coco}", "a COCO file needs the folder of its pictures"),
        ("--coco {coco} --images {photos} --val-coco {coco}", "a COCO file needs the folder of its pictures"),
        ("--coco {coco} --images {photos}/none", "photos/none does not exist"),
        ("--coco {coco} --images {photos} --categories cap", "did you mean 'cup'"),
        ("--coco {coco} --images {photos} --val-jsonl {coco}", "--val-jsonl has no meaning with --coco"),
        ("--jsonl {coco} --shots 4", "--shots has no meaning with --jsonl"),
        ("--class-folders {photos} --images {photos} --val-coco {coco}", "--images, --val-coco has no meaning with"),
        ("--class-folders {photos}", "has no training pictures. Expected layout"),
        ("--jsonl {photos}/none.jsonl", "cannot read"),
        ("--coco {coco} --images {photos} --val-share 0.01", "0.01 for validation is less than one picture"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_explained(arguments: str, message: str, coco: Path, tmp_path: Path) -> None:
    values = {"{coco}": coco, "{photos}": tmp_path / "photos"}
    given: list[str] = []
    for word in arguments.split():
        for name, value in values.items():
            word = word.replace(name, str(value))
        given.append(word)
    done = prepare("custom", "--out", tmp_path / "out", *given)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out/manifest.json").exists()


def test_json_errors_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"image": "a.jpg", "task": "classification", "label": ""}\n{"image": \n')
    done = prepare("custom", "--out", tmp_path / "out", "--jsonl", path)
    assert done.returncode == 2
    assert "own.jsonl: 2 lines are no questions:\n  line 1: 'label' is ''" in done.stderr
    assert "line 2: is not JSON" in done.stderr


def test_pictures_that_show_nothing_are_counted_and_asked_about_on_demand(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path / f"photos/{number}.png", number)
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": SIZE[0], "height": SIZE[1]} for n in range(8)],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "bbox": [10, 5, 30, 20]} for n in range(4)],
        "categories": [{"id": 1, "name": "scratch"}],
    }
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content))
    source = ("--coco", path, "--images", tmp_path / "photos")
    shown = prepared(tmp_path / "without", *source)
    assert "left out, picture without annotation, asked about with --negatives alone: 4" in shown
    prepared(tmp_path / "with", *source, "--negatives", "0.5")
    manifest = load_manifest(tmp_path / "with")
    assert (manifest["counts"]["train"]["negatives"], manifest["counts"]["train"]["rows"]) == (4, 8)
    assert manifest["skips"] == {}


def test_a_validation_file_may_number_its_categories_otherwise(coco: Path, tmp_path: Path) -> None:
    content = json.loads(coco.read_text())
    renumbered = {2: 11, 4: 7}
    for entry in content["annotations"]:
        entry["category_id"] = renumbered[entry["category_id"]]
    for entry in content["categories"]:
        entry["id"] = renumbered[entry["id"]]
    val = tmp_path / "val.json"
    val.write_text(json.dumps(content))
    photos = tmp_path / "photos"
    prepared_from = ("--coco", coco, "--images", photos, "--val-coco", val, "--val-images", photos)
    done = prepare("custom", "--out", tmp_path / "out", *prepared_from)
    assert done.returncode == 0, done.stderr
    for split in ("train", "val"):
        ids = {
            (r["extra_info"]["category"], r["extra_info"]["category_id"])
            for r in rows_of(tmp_path / f"out/{split}.parquet")
        }
        assert ids == {("bowl", 2), ("cup", 4)}


def test_what_was_mended_is_printed_and_in_the_manifest(coco: Path, tmp_path: Path) -> None:
    content = json.loads(coco.read_text())
    content["annotations"] += [entry | {"id": 100 + entry["id"]} for entry in content["annotations"][:3]]
    coco.write_text(json.dumps(content))
    shown = prepared(tmp_path / "out", "--coco", coco, "--images", tmp_path / "photos")
    assert "mended, box annotated twice: 3 (any name.json: annotation 100, ... all in manifest.json)" in shown
    assert load_manifest(tmp_path / "out")["mends"]["box annotated twice"]["count"] == 3


def test_names_that_are_no_utf8_are_listed_where_they_are_left_out(tmp_path: Path) -> None:
    save(tmp_path / "data/train/rose/1.png", 1)
    for name in (b"train/rose/\xbb.txt", b"train/\xbb.png"):
        Path(os.fsdecode(os.fsencode(tmp_path / "data") + b"/" + name)).touch()
    Path(os.fsdecode(os.fsencode(tmp_path / "data") + b"/\xbb")).mkdir()
    prepared(tmp_path / "out", "--class-folders", tmp_path / "data")
    where = [place for entry in load_manifest(tmp_path / "out")["skips"].values() for place in entry["where"]]
    assert where == ["\\udcbb", "train/rose/\\udcbb.txt", "train/\\udcbb.png"]
