# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`visual-rft data prepare lvis` on a miniature in the original layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from prepared_sets import categories_of, files_of, prepare, prepared, rows_of, truths_of
from shared_inputs import shared

from verl_visual_rft.datasets.category_lists import LVIS_FEWSHOT6, LVIS_NOVEL13
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.miniature.originals import write_fake

TRAINING = {"manifest.json", "sft_train.parquet", "train.parquet", "val.parquet"}


@pytest.fixture(scope="module")
def lvis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original") / "lvis"
    write_fake("lvis", root)
    return root


def test_lvis_few_shot_is_the_papers_49_rows(lvis: Path, tmp_path: Path) -> None:
    prepared("lvis", "--root", lvis, "--out", tmp_path, "--shots", "10")
    assert files_of(tmp_path).keys() == TRAINING | {"val_annotations.json"}
    assert categories_of(tmp_path / "train.parquet") == {
        "horse_buggy": 9, "die": 8, "kitchen_table": 10, "omelet": 7, "papaya": 10, "stepladder": 5
    }  # fmt: skip
    assert load_manifest(tmp_path)["categories"] == {"base": [*LVIS_FEWSHOT6], "novel": []}
    truth = json.loads((tmp_path / "val_annotations.json").read_text())
    asked = {row["extra_info"]["image_id"] for row in rows_of(tmp_path / "val.parquet")}
    assert {str(image["id"]) for image in truth["images"]} == asked
    assert all({"neg_category_ids", "not_exhaustive_category_ids"} <= image.keys() for image in truth["images"])


def test_lvis_open_vocabulary_evaluates_only(lvis: Path, tmp_path: Path) -> None:
    setting = ("--setting", "open-vocabulary", "--val-questions", "verified")
    prepared("lvis", "--root", lvis, "--out", tmp_path, *setting)
    assert files_of(tmp_path).keys() == {"manifest.json", "val.parquet", "val_annotations.json"}
    assert categories_of(tmp_path / "val.parquet").keys() == {*LVIS_NOVEL13}
    assert load_manifest(tmp_path)["categories"] == {"base": [], "novel": [*LVIS_NOVEL13]}
    content = json.loads((lvis / "annotations/lvis_v1_val.json").read_text())
    absent = {
        (str(image["id"]), category_id) for image in content["images"] for category_id in image["neg_category_ids"]
    }
    asked = {
        (row["extra_info"]["image_id"], row["extra_info"]["category_id"])
        for row, truth in zip(rows_of(tmp_path / "val.parquet"), truths_of(tmp_path / "val.parquet"), strict=True)
        if not truth["boxes"]
    }
    ids = {entry["id"] for entry in content["categories"] if entry["name"] in LVIS_NOVEL13}
    assert asked == {(image_id, category_id) for image_id, category_id in absent if category_id in ids}


def test_lvis_asks_about_the_pairs_of_an_existence_map(lvis: Path, tmp_path: Path) -> None:
    content = json.loads((lvis / "annotations/lvis_v1_val.json").read_text())
    (tmp_path / "map.json").write_text(json.dumps({str(image["id"]): ["die", "omelet"] for image in content["images"]}))
    prepared("lvis", "--root", lvis, "--out", tmp_path / "all", "--val-questions", "verified")
    prepared("lvis", "--root", lvis, "--out", tmp_path / "claimed", "--val-pairs", tmp_path / "map.json")
    every, claimed = (categories_of(tmp_path / name / "val.parquet") for name in ("all", "claimed"))
    assert claimed == {name: every[name] for name in ("die", "omelet")}
    truths = [json.loads((tmp_path / name / "val_annotations.json").read_text()) for name in ("all", "claimed")]
    assert truths[0]["annotations"] == truths[1]["annotations"], "what the map calls absent is missed"
    manifest = load_manifest(tmp_path / "claimed")
    selection = {"setting": "few-shot", "negatives": 0.0, "val_questions": None, "val_pairs": "map.json"}
    assert manifest["selection"] == selection
    known = manifest["skips"]["category that nobody looked for in the picture"]["count"] + claimed.total()
    assert known == 2 * len(content["images"])


def test_lvis_refuses_v05_without_writing(lvis: Path, tmp_path: Path) -> None:
    root = tmp_path / "v05"
    shutil.copytree(lvis, root)
    shutil.copy(shared("data/lvis/lvis_val_100.json"), root / "annotations/lvis_v1_train.json")
    done = prepare("lvis", "--root", root, "--out", tmp_path / "out")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "not LVIS v1" in done.stderr
    assert not (tmp_path / "out").exists()


def test_lvis_lists_a_missing_picture_and_refuses_it_when_strict(lvis: Path, tmp_path: Path) -> None:
    root = tmp_path / "lvis"
    shutil.copytree(lvis, root)
    next((root / "val2017").iterdir()).unlink()
    prepared("lvis", "--root", root, "--out", tmp_path / "out")
    assert load_manifest(tmp_path / "out")["skips"]["no file"]["count"] == 1
    done = prepare("lvis", "--root", root, "--out", tmp_path / "strict", "--strict")
    assert done.returncode == 2
    assert "no file: val2017/" in done.stderr
    assert files_of(tmp_path).keys() & {"strict/train.parquet", "strict/manifest.json"} == set()


def test_lvis_has_no_negatives_where_nothing_is_trained(lvis: Path, tmp_path: Path) -> None:
    setting = ("--setting", "open-vocabulary", "--negatives", "0.2")
    done = prepare("lvis", "--root", lvis, "--out", tmp_path / "out", *setting)
    assert done.returncode == 2 and "--setting open-vocabulary has none" in done.stderr
