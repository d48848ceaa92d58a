# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`visual-rft data prepare lisa` on a miniature in the original layout."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from prepared_sets import files_of, prepare, prepared, rows_of, truths_of

from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.miniature.originals import write_fake

pytest.importorskip("cv2", reason="OpenCV, which draws the masks, is not installed")


@pytest.fixture
def reasonseg(tmp_path: Path) -> Path:
    write_fake("reasonseg", tmp_path / "reasonseg")
    return tmp_path / "reasonseg"


def test_lisa_writes_rows_of_every_wording_and_masks_of_what_is_evaluated(reasonseg: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepared("lisa", "--root", reasonseg, "--out", out)
    wordings = [json.loads(path.read_bytes().decode("cp1252"))["text"] for path in (reasonseg / "train").glob("*.json")]
    assert len(rows_of(out / "train.parquet")) == sum(map(len, wordings)) > len(wordings)
    masks = {name: data for name, data in files_of(out).items() if name.startswith("masks/")}
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


def test_lisa_boxes_lie_around_the_mask_or_around_the_first_polygon(reasonseg: Path, tmp_path: Path) -> None:
    boxes = {}
    for rule in ("union", "first"):
        prepared("lisa", "--root", reasonseg, "--out", tmp_path / rule, "--boxes", rule)
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


def test_lisa_again_gives_the_same_bytes_with_any_number_of_workers(reasonseg: Path, tmp_path: Path) -> None:
    for name, workers in (("one", "1"), ("three", "3")):
        prepared("lisa", "--root", reasonseg, "--out", tmp_path / name, "--workers", workers)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "three")


def test_lisa_lists_what_has_no_target_and_leaves_nothing_when_strict(reasonseg: Path, tmp_path: Path) -> None:
    path = sorted((reasonseg / "test").glob("*.json"))[0]
    content = json.loads(path.read_bytes().decode("cp1252"))
    content["shapes"] = [shape for shape in content["shapes"] if shape["label"] != "target"]
    path.write_text(json.dumps(content))
    out = tmp_path / "out"
    prepared("lisa", "--root", reasonseg, "--out", out)
    assert load_manifest(out)["skips"] == {"no target polygon": {"count": 1, "where": [f"test/{path.stem}.jpg"]}}
    assert not (out / f"masks/test/{path.stem}.png").exists()
    done = prepare("lisa", "--root", reasonseg, "--out", tmp_path / "strict", "--strict")
    assert (done.returncode, "no target polygon" in done.stderr) == (2, True)
    assert not (tmp_path / "strict").exists()
