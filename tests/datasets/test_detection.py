# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of preparing a detection dataset: files in, folder out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from commands import Done, data_prep
from PIL import Image
from shared_inputs import shared

from verl_visual_rft.datasets.coco_layout import find_layout
from verl_visual_rft.datasets.coco_reading import CocoReading
from verl_visual_rft.datasets.detection import Selection, prepare_detection
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.datasets.prepare import PrepareOptions
from verl_visual_rft.errors import UserError
from verl_visual_rft.prompts import detection_prompt

FILES = ["manifest.json", "sft_train.parquet", "train.parquet", "val.parquet", "val_annotations.json"]
SELECTION = Selection(base_categories=("cat", "hot dog"), novel_categories=("bus",))
OPTIONS = PrepareOptions(shots=2)


def prepare(coco: Any, out: Path, **changes: Any) -> None:
    """Prepare the tiny data set; each change is one of the selection or of the options."""
    chosen = {key: value for key, value in changes.items() if hasattr(SELECTION, key)}
    options = {key: value for key, value in changes.items() if key not in chosen}
    prepare_detection(find_layout(coco.root), replace(SELECTION, **chosen), replace(OPTIONS, **options), out)


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def asked(path: Path) -> list[tuple[int, str, list[list[int]]]]:
    """Image id, category and true boxes of each row."""
    return [
        (
            int(row["extra_info"]["image_id"]),
            row["extra_info"]["category"],
            json.loads(row["reward_model"]["ground_truth"])["boxes"],
        )
        for row in rows_of(path)
    ]


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


def write_map(path: Path, **present: list[str]) -> Path:
    """An existence map; ``image_11=["cat"]`` says that there is a cat in image 11."""
    path.write_text(json.dumps({key.removeprefix("image_"): names for key, names in present.items()}))
    return path


def test_validation_asks_about_the_pairs_of_an_existence_map(tiny_coco: Any, tmp_path: Path) -> None:
    claims = write_map(tmp_path / "map.json", image_11=["bus", "hot dog", "cat"], image_12=["cat"], image_13=[])
    prepare(tiny_coco, tmp_path / "out", val_pairs=claims)
    assert asked(tmp_path / "out/val.parquet") == [
        (11, "cat", [[100, 100, 400, 500], [600, 100, 900, 500]]),
        (11, "bus", []),
        (12, "cat", []),
    ]
    truth = json.loads((tmp_path / "out/val_annotations.json").read_text())
    assert [image["id"] for image in truth["images"]] == [11, 12, 13], "what no question asks about is missed"
    assert {annotation["image_id"] for annotation in truth["annotations"]} == {11, 12, 13}
    manifest = load_manifest(tmp_path / "out")
    assert "instances_val.json: 011.png, 'hot dog'" in manifest["skips"]["only crowd boxes"]["where"]
    assert manifest["selection"]["val_pairs"] == "map.json"
    assert manifest["sources"]["files"][-1]["file"] == "map.json"


def test_what_a_map_says_of_something_else_is_counted(tiny_coco: Any, tmp_path: Path) -> None:
    claims = write_map(
        tmp_path / "map.json",
        image_11=["cat", "hot_dog"],
        image_12=[],
        image_13=["cat"],
        image_7=["bus"],
        image_8=["x"],
    )
    prepare(tiny_coco, tmp_path / "out", val_pairs=claims)
    assert [question[:2] for question in asked(tmp_path / "out/val.parquet")] == [(11, "cat"), (13, "cat")]
    skips = load_manifest(tmp_path / "out")["skips"]
    assert skips["category of the map that the annotations do not have"]["where"] == [
        "map.json: 'hot_dog'",
        "map.json: 'x'",
    ]
    assert skips["picture of the map that the annotations do not have"]["where"] == ["map.json: image 7"]
    with pytest.raises(UserError, match="would be left out"):
        prepare(tiny_coco, tmp_path / "strict", val_pairs=claims, strict=True)


def test_a_damaged_picture_of_a_map_counts_neither_as_asked_nor_as_missed(tiny_coco: Any, tmp_path: Path) -> None:
    path = tiny_coco.image("val", 12)
    path.write_bytes(path.read_bytes()[:-30])
    claims = write_map(tmp_path / "map.json", image_11=["cat"], image_12=["bus"], image_13=[])
    prepare(tiny_coco, tmp_path / "out", val_pairs=claims)
    truth = json.loads((tmp_path / "out/val_annotations.json").read_text())
    assert [image["id"] for image in truth["images"]] == [11, 13]


def test_validation_images_of_a_map_can_be_drawn(tiny_coco: Any, tmp_path: Path) -> None:
    claims = write_map(tmp_path / "map.json", image_11=["cat"], image_12=["cat"], image_13=["cat"])
    prepare(tiny_coco, tmp_path / "out", val_pairs=claims, max_val_images=2)
    questions = asked(tmp_path / "out/val.parquet")
    images = json.loads((tmp_path / "out/val_annotations.json").read_text())["images"]
    assert len(questions) == 2
    assert {image["id"] for image in images} == {image for image, _, _ in questions}


@pytest.mark.parametrize(
    ("claims", "changes", "message"),
    [
        ({"image_11": ["cat"], "image_12": []}, {}, "says nothing about 1 of the 3 pictures of .*, image 13 for one"),
        ({"image_11": ["Cat"], "image_12": [], "image_13": []}, {}, "calls none of the categories .*spelt otherwise"),
        ({}, {}, "is no existence map"),
        ({"image_11": ["cat"]}, {"val_negatives": 0.5}, "leave out --val-negatives"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(
    tiny_coco: Any, tmp_path: Path, claims: dict[str, list[str]], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        prepare(tiny_coco, tmp_path / "out", val_pairs=write_map(tmp_path / "map.json", **claims), **changes)
    assert not (tmp_path / "out").exists()


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


def test_a_picture_stored_on_its_side_is_evaluated_upright(tiny_coco: Any, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(tiny_coco.image("val", 12)) as image:
        image.save(tiny_coco.image("val", 12), exif=exif)
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
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(tiny_coco.image("val", 13)) as image:
        image.save(tiny_coco.image("val", 13), exif=exif)
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


def run_script(*arguments: str | Path) -> Done:
    return data_prep("coco.py", *arguments)


def test_the_script_prepares_a_folder_and_prints_a_summary(tiny_coco: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_script("--root", tiny_coco.root, "--out", out, "--shots", "1", "--novel-categories", "bus")
    assert done.returncode == 0, done.stderr
    assert "boxes" in done.stdout
    assert sorted(path.name for path in out.iterdir()) == FILES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--root", "gone", "--rows", "1"], "error: gone is not a folder"),
        (["--rows", "1"], "error: give either --root, or all of"),
        (["--root", "gone", "--rows", "1", "--negatives", "1"], "1 is not in [0, 1)"),
        (["--root", "gone", "--shots", "0"], "0 is less than 1"),
        (["--root", "gone", "--rows", "1", "--shots", "1"], "not allowed with"),
    ],
)
def test_the_script_fails_without_a_traceback(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run_script("--out", tmp_path / "out", *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert message in done.stderr


def test_the_published_map_on_real_photographs(tmp_path: Path) -> None:
    real = shared("data/visual_rft")
    annotations, images = real / "instances_val2017_subset.json", real / "images"
    published = real / "exist_map_coco_Qwen2_vl_2B_baseline.json"
    done = run_script(
        *("--train-annotations", annotations, "--train-images", images),
        *("--val-annotations", annotations, "--val-images", images, "--skip-missing-images"),
        *("--base-categories", "coco-base65", "--novel-categories", "coco-novel15", "--rows", "10"),
        *("--val-pairs", published, "--out", tmp_path),
    )
    assert done.returncode == 0, done.stderr
    claims = json.loads(published.read_text())
    photographs = sorted(int(path.stem) for path in images.iterdir())
    assert {(image, category) for image, category, _ in asked(tmp_path / "val.parquet")} == {
        (image, category) for image in photographs for category in claims[str(image)]
    }
    truth = json.loads((tmp_path / "val_annotations.json").read_text())
    assert [image["id"] for image in truth["images"]] == photographs


def test_real_coco_annotations_and_photographs(tmp_path: Path) -> None:
    real = shared("data/visual_rft")
    annotations, images = real / "instances_val2017_subset.json", real / "images"
    done = run_script(
        *("--train-annotations", annotations, "--train-images", images),
        *("--val-annotations", annotations, "--val-images", images, "--skip-missing-images"),
        *("--base-categories", "coco-base65", "--novel-categories", "coco-novel15", "--rows", "10"),
        *("--out", tmp_path),
    )
    assert done.returncode == 0, done.stderr
    questions = asked(tmp_path / "val.parquet")
    # Counted by hand in the annotation file: pairs with a box in the eight photographs.
    assert len(questions) == 24
    assert (6818, "toilet") in {question[:2] for question in questions}
    manifest = load_manifest(tmp_path)
    assert manifest["skips"]["no file"]["count"] == 2 * 180
    assert manifest["conversions"] == {}
    assert manifest["counts"]["both"]["images"] > 0
    assert "in more than one split" in done.stdout
