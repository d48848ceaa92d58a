# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of data_prep/lvis.py, mg.py and lisa.py as a user runs them, on miniatures in the original layouts."""

from __future__ import annotations

import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from commands import data_prep
from PIL import Image
from shared_inputs import shared

from verl_visual_rft.datasets.category_lists import LVIS_FEWSHOT6, LVIS_NOVEL13, MG5
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.miniature.originals.lvis import write_lvis
from verl_visual_rft.miniature.originals.mg import write_mg
from verl_visual_rft.miniature.originals.reasonseg import write_reasonseg

TRAINING = {"manifest.json", "sft_train.parquet", "train.parquet", "val.parquet"}


def miniature(root: Path, write: Callable[[Path, int], None]) -> Path:
    root.mkdir()
    write(root, 0)
    return root


@pytest.fixture(scope="module")
def lvis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return miniature(tmp_path_factory.mktemp("original") / "lvis", write_lvis)


@pytest.fixture(scope="module")
def mg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return miniature(tmp_path_factory.mktemp("original") / "mg", write_mg)


@pytest.fixture
def reasonseg(tmp_path: Path) -> Path:
    return miniature(tmp_path / "reasonseg", write_reasonseg)


def prepared(name: str, *arguments: str | Path) -> None:
    done = data_prep(name, *arguments)
    assert done.returncode == 0, done.stderr


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def categories_of(path: Path) -> Counter[str]:
    return Counter(row["extra_info"]["category"] for row in rows_of(path))


def truths_of(path: Path) -> list[Any]:
    return [json.loads(row["reward_model"]["ground_truth"]) for row in rows_of(path)]


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_lvis_few_shot_is_the_papers_49_rows(lvis: Path, tmp_path: Path) -> None:
    prepared("lvis.py", "--root", lvis, "--out", tmp_path, "--shots", "10")
    assert files_in(tmp_path).keys() == TRAINING | {"val_annotations.json"}
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
    prepared("lvis.py", "--root", lvis, "--out", tmp_path, *setting)
    assert files_in(tmp_path).keys() == {"manifest.json", "val.parquet", "val_annotations.json"}
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
    prepared("lvis.py", "--root", lvis, "--out", tmp_path / "all", "--val-questions", "verified")
    prepared("lvis.py", "--root", lvis, "--out", tmp_path / "claimed", "--val-pairs", tmp_path / "map.json")
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
    done = data_prep("lvis.py", "--root", root, "--out", tmp_path / "out")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "not LVIS v1" in done.stderr
    assert not (tmp_path / "out").exists()


def test_lvis_lists_a_missing_picture_and_refuses_it_when_strict(lvis: Path, tmp_path: Path) -> None:
    root = tmp_path / "lvis"
    shutil.copytree(lvis, root)
    next((root / "val2017").iterdir()).unlink()
    prepared("lvis.py", "--root", root, "--out", tmp_path / "out")
    assert load_manifest(tmp_path / "out")["skips"]["no file"]["count"] == 1
    done = data_prep("lvis.py", "--root", root, "--out", tmp_path / "strict", "--strict")
    assert done.returncode == 2
    assert "no file: val2017/" in done.stderr
    assert files_in(tmp_path).keys() & {"strict/train.parquet", "strict/manifest.json"} == set()


@pytest.mark.parametrize(("name", "shots", "rows"), [("lvis", "10", 49), ("mg", "4", 20)])
def test_negatives_are_added_to_the_rows_of_the_shots(
    name: str, shots: str, rows: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source = ("--root", request.getfixturevalue(name), "--shots", shots)
    prepared(f"{name}.py", *source, "--out", tmp_path / "with", "--negatives", "0.2")
    prepared(f"{name}.py", *source, "--out", tmp_path / "without")
    with_negatives, without = (truths_of(tmp_path / folder / "train.parquet") for folder in ("with", "without"))
    assert len([truth for truth in with_negatives if truth["boxes"]]) == len(without) == rows
    assert len(with_negatives) - rows == round(rows / 4)
    assert load_manifest(tmp_path / "with")["selection"]["negatives"] == 0.2
    assert files_in(tmp_path / "with")["val.parquet"] == files_in(tmp_path / "without")["val.parquet"]


def test_lvis_has_no_negatives_where_nothing_is_trained(lvis: Path, tmp_path: Path) -> None:
    setting = ("--setting", "open-vocabulary", "--negatives", "0.2")
    done = data_prep("lvis.py", "--root", lvis, "--out", tmp_path / "out", *setting)
    assert done.returncode == 2 and "--setting open-vocabulary has none" in done.stderr


@pytest.mark.parametrize("shots", [4, 16])
def test_mg_has_as_many_rows_of_each_category_as_shots(mg: Path, tmp_path: Path, shots: int) -> None:
    prepared("mg.py", "--root", mg, "--out", tmp_path, "--shots", str(shots))
    assert categories_of(tmp_path / "train.parquet") == dict.fromkeys(MG5, shots)
    assert categories_of(tmp_path / "val.parquet").keys() == {*MG5}


def test_mg_says_that_it_was_never_published_and_how_many_pictures_there_are(mg: Path, tmp_path: Path) -> None:
    assert "never published" in " ".join(data_prep("mg.py", "--help").stdout.split())
    done = data_prep("mg.py", "--root", mg, "--out", tmp_path / "out", "--shots", "99")
    assert done.returncode == 2
    assert "'slime' has 16" in done.stderr


@pytest.fixture
def opencv() -> None:
    pytest.importorskip("cv2", reason="OpenCV, which draws the masks, is not installed")


@pytest.mark.usefixtures("opencv")
def test_lisa_writes_rows_of_every_wording_and_masks_of_what_is_evaluated(reasonseg: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepared("lisa.py", "--root", reasonseg, "--out", out)
    wordings = [json.loads(path.read_bytes().decode("cp1252"))["text"] for path in (reasonseg / "train").glob("*.json")]
    assert len(rows_of(out / "train.parquet")) == sum(map(len, wordings)) > len(wordings)
    masks = {name: data for name, data in files_in(out).items() if name.startswith("masks/")}
    asked = {
        f"masks/{split}/{row['extra_info']['image_id']}.png"
        for split in ("val", "test")
        for row in rows_of(out / f"{split}.parquet")
    }
    assert masks.keys() == asked
    assert len(asked) == sum(len([*(reasonseg / split).glob("*.json")]) for split in ("val", "test"))
    assert masks.keys() < load_manifest(out)["files"].keys()
    for data in masks.values():
        with Image.open(io.BytesIO(data)) as mask:
            assert {value for _, value in mask.getcolors() or ()} == {0, 1, 255}


@pytest.mark.usefixtures("opencv")
def test_lisa_boxes_lie_around_the_mask_or_around_the_first_polygon(reasonseg: Path, tmp_path: Path) -> None:
    boxes = {}
    for rule in ("union", "first"):
        prepared("lisa.py", "--root", reasonseg, "--out", tmp_path / rule, "--boxes", rule)
        boxes[rule] = [truth["box"] for truth in truths_of(tmp_path / rule / "val.parquet")]
    differs = [first != union for first, union in zip(boxes["first"], boxes["union"], strict=True)]
    slivers = []
    for row in rows_of(tmp_path / "union/val.parquet"):
        path = reasonseg / "val" / f"{row['extra_info']['image_id']}.json"
        shapes = json.loads(path.read_bytes().decode("cp1252"))["shapes"]
        slivers.append(sum(shape["label"] == "target" for shape in shapes) > 1)
    assert differs == slivers
    assert any(slivers)
    changed = []
    for row in rows_of(tmp_path / "union/val.parquet"):
        masks = (tmp_path / rule / "masks/val" / f"{row['extra_info']['image_id']}.png" for rule in ("union", "first"))
        of_union, of_first = (np.array(Image.open(mask)) for mask in masks)
        assert (of_first != 255).all(), "the published masks ignore nothing"
        changed.append(bool(((of_union == 1) & (of_first == 0)).any()))
    assert changed == slivers


@pytest.mark.usefixtures("opencv")
def test_lisa_again_gives_the_same_bytes_with_any_number_of_workers(reasonseg: Path, tmp_path: Path) -> None:
    for name, workers in (("one", "1"), ("three", "3")):
        prepared("lisa.py", "--root", reasonseg, "--out", tmp_path / name, "--workers", workers)
    assert files_in(tmp_path / "one") == files_in(tmp_path / "three")


@pytest.mark.usefixtures("opencv")
def test_lisa_lists_what_has_no_target_and_leaves_nothing_when_strict(reasonseg: Path, tmp_path: Path) -> None:
    path = sorted((reasonseg / "test").glob("*.json"))[0]
    content = json.loads(path.read_bytes().decode("cp1252"))
    content["shapes"] = [shape for shape in content["shapes"] if shape["label"] != "target"]
    path.write_text(json.dumps(content))
    out = tmp_path / "out"
    prepared("lisa.py", "--root", reasonseg, "--out", out)
    assert load_manifest(out)["skips"] == {"no target polygon": {"count": 1, "where": [f"test/{path.stem}.jpg"]}}
    assert not (out / f"masks/test/{path.stem}.png").exists()
    done = data_prep("lisa.py", "--root", reasonseg, "--out", tmp_path / "strict", "--strict")
    assert (done.returncode, "no target polygon" in done.stderr) == (2, True)
    assert not (tmp_path / "strict").exists()
