# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The four classification data sets, prepared from miniatures in the original layouts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from prepared_sets import prepare, prepared, rows_of, truths_of

from verl_visual_rft.miniature.originals import write_fake

NAMES = ("flowers102", "pets37", "cars196", "fgvc_aircraft")


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("originals")
    for name in NAMES:
        write_fake(name, folder / name)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_k_shots_are_taken_whatever_the_number_of_workers(name: str, originals: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        arguments = ("--shots", 2, "--seed", 1, "--workers", workers, "--out", tmp_path / str(workers))
        prepared(name, "--root", originals / name, *arguments)
    files = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert {"train.parquet", "sft_train.parquet", "val.parquet", "test.parquet", "manifest.json"} <= set(files)
    for file in files:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()
    labels = [truth["label"] for truth in truths_of(tmp_path / "1" / "train.parquet")]
    assert all(labels.count(label) == 2 for label in labels)
    manifest = json.loads((tmp_path / "1" / "manifest.json").read_text())
    assert "coop" in json.dumps(manifest)


def test_a_class_below_the_shots_is_taken_whole_and_named(originals: Path, tmp_path: Path) -> None:
    output = prepared("pets37", "--root", originals / "pets37", "--shots", 6, "--workers", 1, "--out", tmp_path)
    assert "beagle: 5 training pictures, fewer than --shots 6; all are taken" in output
    assert '"beagle": 5' in (tmp_path / "manifest.json").read_text()


@pytest.mark.parametrize(("option", "height"), [((), 20), (("--crop-banner",), 0)])
def test_the_banner_of_aircraft_is_cut_on_demand(
    option: tuple[str, ...], height: int, originals: Path, tmp_path: Path
) -> None:
    root = originals / "fgvc_aircraft"
    prepared("fgvc_aircraft", "--root", root, "--shots", 1, "--workers", 1, "--out", tmp_path, *option)
    original = Image.open(next(root.rglob("images/*.jpg"))).height
    for row in rows_of(tmp_path / "train.parquet"):
        with Image.open(io.BytesIO(row["images"][0]["bytes"])) as image:
            assert image.height == original - 20 + height


def test_the_official_split_of_pets_gives_no_val(originals: Path, tmp_path: Path) -> None:
    prepared("pets37", "--root", originals / "pets37", "--split", "official", "--workers", 1, "--out", tmp_path)
    assert not (tmp_path / "val.parquet").exists()
    assert len(rows_of(tmp_path / "train.parquet")) == 36


def test_a_wrong_folder_ends_with_a_message_and_writes_nothing(tmp_path: Path) -> None:
    done = prepare("flowers102", "--root", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "has no jpg/ and no imagelabels.mat. Expected layout:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_layout_and_source(name: str) -> None:
    text = prepared(name, "--help")
    assert "layout of --root (" in text and "https://" in text and "--sampler" in text
