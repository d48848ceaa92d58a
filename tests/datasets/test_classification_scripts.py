# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The scripts of the four classification data sets, run on miniatures in the original layouts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from commands import Done, data_prep
from PIL import Image

from verl_visual_rft.miniature.originals.cars196 import write_cars196
from verl_visual_rft.miniature.originals.fgvc_aircraft import write_fgvc_aircraft
from verl_visual_rft.miniature.originals.flowers102 import write_flowers102
from verl_visual_rft.miniature.originals.pets37 import write_pets37

WRITERS: dict[str, Callable[[Path, int], None]] = {
    "flowers102": write_flowers102,
    "pets37": write_pets37,
    "cars196": write_cars196,
    "fgvc_aircraft": write_fgvc_aircraft,
}


def script(name: str, *arguments: object) -> Done:
    return data_prep(f"{name}.py", *arguments)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("originals")
    for name, write in WRITERS.items():
        (folder / name).mkdir()
        write(folder / name, 0)
    return folder


def rows(path: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(path).to_pylist())


@pytest.mark.parametrize("name", WRITERS)
def test_a_script_gives_k_shots_whatever_the_number_of_workers(name: str, originals: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        arguments = ("--shots", 2, "--seed", 1, "--workers", workers, "--out", tmp_path / str(workers))
        done = script(name, "--root", originals / name, *arguments)
        assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert {"train.parquet", "sft_train.parquet", "val.parquet", "test.parquet", "manifest.json"} <= set(files)
    for file in files:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()
    train = rows(tmp_path / "1" / "train.parquet")
    labels = [json.loads(row["reward_model"]["ground_truth"])["label"] for row in train]
    assert all(labels.count(label) == 2 for label in labels)
    manifest = json.loads((tmp_path / "1" / "manifest.json").read_text())
    assert "coop" in json.dumps(manifest)


def test_a_class_below_the_shots_is_taken_whole_and_named(originals: Path, tmp_path: Path) -> None:
    done = script("pets37", "--root", originals / "pets37", "--shots", 6, "--workers", 1, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "beagle: 5 training pictures, fewer than --shots 6; all are taken" in done.stdout
    assert '"beagle": 5' in (tmp_path / "manifest.json").read_text()


@pytest.mark.parametrize(("option", "height"), [((), 20), (("--crop-banner",), 0)])
def test_the_banner_of_aircraft_is_cut_on_demand(
    option: tuple[str, ...], height: int, originals: Path, tmp_path: Path
) -> None:
    root = originals / "fgvc_aircraft"
    done = script("fgvc_aircraft", "--root", root, "--shots", 1, "--workers", 1, "--out", tmp_path, *option)
    assert done.returncode == 0, done.stderr
    original = Image.open(next(root.rglob("images/*.jpg"))).height
    for row in rows(tmp_path / "train.parquet"):
        with Image.open(io.BytesIO(row["images"][0]["bytes"])) as image:
            assert image.height == original - 20 + height


def test_the_official_split_of_pets_gives_no_val(originals: Path, tmp_path: Path) -> None:
    done = script("pets37", "--root", originals / "pets37", "--split", "official", "--workers", 1, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "val.parquet").exists()
    assert len(rows(tmp_path / "train.parquet")) == 36


def test_a_wrong_folder_ends_with_a_message_and_writes_nothing(tmp_path: Path) -> None:
    done = script("flowers102", "--root", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "has no jpg/ and no imagelabels.mat. Expected layout:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", WRITERS)
def test_help_shows_layout_and_source(name: str) -> None:
    done = script(name, "--help")
    assert done.returncode == 0
    assert "layout of --root (" in done.stdout and "https://" in done.stdout and "--sampler" in done.stdout
