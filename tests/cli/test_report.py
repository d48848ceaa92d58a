# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import visual_rft


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run" / "eval" / "rft"
    folder.mkdir(parents=True)
    groups = {name: {"ap": 31.3} for name in ("novel", "base", "all")}
    data = {"dataset": "coco", "split": "val", "parquet": "../../../data/val.parquet"}
    (folder / "metrics.json").write_text(json.dumps({"data": data, "task": "detection", "groups": groups}))
    return tmp_path / "run"


def _report(*arguments: object, status: int = 0) -> str:
    done = visual_rft("report", *arguments)
    assert done.returncode == status, done.stderr
    return done.stdout or done.stderr


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("markdown", "| mAP novel |"),
        ("csv", "7,2b,,mAP novel,rft,31.3,,,,1,31.3,0.0"),
        ("latex", r"\begin{tabular}"),
    ],
)
def test_table(run, format, expected):
    assert expected in _report(run, "--table", 7, "--format", format)


def test_rows_of_the_larger_model(run):
    assert "31.3 |  35.8 | −4.5" in _report(run, "--table", 7, "--paper-model", "7b")


def test_runs_of_several_seeds(run):
    second = shutil.copytree(run, run.with_name("second"))
    path = second / "eval/rft/metrics.json"
    path.write_text(path.read_text().replace("31.3", "33.3"))
    assert "32.3 ± 1.4 |  31.3 |  +1.0" in _report(run, second, "--table", 7)


def test_the_same_run_twice_is_no_two_seeds(run):
    assert "no two seeds" in " ".join(_report(run, run, "--table", 7, status=2).split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--table", 1], "choose one of 2, 3, 4, 5, 6, 7, 8"),
        (["--table", 3, "--shots", 5], "2b with 5 shots; it has --paper-model 2b --shots 1"),
        (["--table", 6], "no figure of table 6"),
    ],
)
def test_what_cannot_be_compared(run, arguments, expected):
    assert expected in _report(run, *arguments, status=2)


def test_a_page_is_about_one_run(run):
    assert "give one, or --table N" in _report(run, run, status=2)
