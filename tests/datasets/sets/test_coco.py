# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`visual-rft data prepare coco` as it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from detection_data import asked
from prepared_sets import prepare, prepared, truths_of
from shared_inputs import shared

from verl_visual_rft.datasets.manifest import load_manifest

FILES = ["manifest.json", "sft_train.parquet", "train.parquet", "val.parquet", "val_annotations.json"]


def test_a_folder_is_prepared_and_a_summary_printed(tiny_coco: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    output = prepared("coco", "--root", tiny_coco.root, "--out", out, "--shots", 1, "--novel-categories", "bus")
    assert "boxes" in output
    assert sorted(path.name for path in out.iterdir()) == FILES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--root", "gone", "--rows", "1"], "error: gone is not a folder"),
        (["--rows", "1"], "error: give either --root, or all of"),
        (["--root", "gone", "--rows", "1", "--negatives", "1"], "1 is not in [0, 1)"),
        (["--root", "gone", "--shots", "0"], "0 is less than 1"),
        (["--root", "gone", "--rows", "1", "--shots", "1"], "not allowed with"),
        (["--root", "gone"], "give either --rows N or --shots K; only with --labelled"),
        (
            ["--root", "gone", "--rows", "1", "--categories", "cat"],
            "--categories is for --labelled",
        ),
        (["--root", "gone", "--labelled", "--val-pairs", "map"], "--val-pairs is not for --labelled"),
        (["--root", "gone", "--labelled", "--base-categories", "cat"], "--categories names what is asked for"),
    ],
)
def test_what_cannot_be_done_is_refused_without_a_traceback(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = prepare("coco", "--out", tmp_path / "out", *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert message in done.stderr


def test_all_categories_in_one_prompt(tiny_coco: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepared("coco", "--root", tiny_coco.root, "--out", out, "--labelled", "--categories", "bus,cat")
    assert sorted(path.name for path in out.iterdir()) == [*FILES[:-1], "val_labelled_annotations.json"]
    truths = truths_of(out / "train.parquet")
    assert {tuple(truth["categories"]) for truth in truths} == {("bus", "cat")}
    assert len(truths) == 6


def test_real_coco_annotations_and_photographs(tmp_path: Path) -> None:
    real = shared("data/visual_rft")
    annotations, images = real / "instances_val2017_subset.json", real / "images"
    output = prepared(
        "coco",
        *("--train-annotations", annotations, "--train-images", images),
        *("--val-annotations", annotations, "--val-images", images, "--skip-missing-images"),
        *("--base-categories", "coco-base65", "--novel-categories", "coco-novel15", "--rows", "10"),
        *("--out", tmp_path),
    )
    questions = asked(tmp_path / "val.parquet")
    # Counted by hand in the annotation file: pairs with a box in the eight photographs.
    assert len(questions) == 24
    assert (6818, "toilet") in {question[:2] for question in questions}
    manifest = load_manifest(tmp_path)
    assert manifest["skips"]["no file"]["count"] == 2 * 180
    assert manifest["conversions"] == {}
    assert manifest["counts"]["both"]["images"] > 0
    assert "in more than one split" in output


def test_the_published_map_on_real_photographs(tmp_path: Path) -> None:
    real = shared("data/visual_rft")
    annotations, images = real / "instances_val2017_subset.json", real / "images"
    published = real / "exist_map_coco_Qwen2_vl_2B_baseline.json"
    prepared(
        "coco",
        *("--train-annotations", annotations, "--train-images", images),
        *("--val-annotations", annotations, "--val-images", images, "--skip-missing-images"),
        *("--base-categories", "coco-base65", "--novel-categories", "coco-novel15", "--rows", "10"),
        *("--val-pairs", published, "--out", tmp_path),
    )
    claims = json.loads(published.read_text())
    photographs = sorted(int(path.stem) for path in images.iterdir())
    assert {(image, category) for image, category, _ in asked(tmp_path / "val.parquet")} == {
        (image, category) for image in photographs for category in claims[str(image)]
    }
    truth = json.loads((tmp_path / "val_annotations.json").read_text())
    assert [image["id"] for image in truth["images"]] == photographs
