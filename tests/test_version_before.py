# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Files that the version before tasks had rooms wrote are read, mean the same, and are written alike."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from verl_visual_rft.cli import main
from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.evaluation.evaluate import evaluate
from verl_visual_rft.evaluation.training_log import read_training_log
from verl_visual_rft.rewards import score
from verl_visual_rft.tasks import read_truth

BEFORE = Path(__file__).parent / "cases" / "version_before"
TASKS = ("detection", "classification", "grounding")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(BEFORE, tmp_path / "before")
    return tmp_path / "before"


def test_rows_are_valid_and_their_truths_are_read() -> None:
    assert validate([BEFORE / "val.parquet"]) == []
    rows = pq.read_table(BEFORE / "val.parquet").to_pylist()
    assert {row["ability"] for row in rows} == {*TASKS}
    for row in rows:
        truth = read_truth(row["ability"], row["reward_model"]["ground_truth"])
        response = f"<think> I look at it. </think> {truth.solution}"
        gold = score(row["ability"], response, row["reward_model"]["ground_truth"])
        assert gold["score"] == {"detection": 3.0, "classification": 2.5, "grounding": 2.5}[row["ability"]]


@pytest.mark.parametrize("task", TASKS)
def test_predictions_give_the_same_metrics(folder: Path, task: str) -> None:
    out = folder / f"now_{task}.json"
    evaluate(folder / "predictions.jsonl", folder, "robust", task).write(out)
    now, before = (json.loads((folder / f"{name}_{task}.json").read_text()) for name in ("now", "metrics"))
    for metrics in (now, before):  # train and val held the same rows, so each may be named
        assert metrics.pop("data")["dataset"] == "custom"
    assert now == before


def test_answers_are_replayed_into_the_same_predictions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = folder / "again.jsonl"
    arguments = ["predict", "--engine", "replay", "--responses", str(folder / "responses.jsonl")]
    monkeypatch.setattr(
        sys, "argv", ["visual-rft", *arguments, "--data", str(folder / "val.parquet"), "--out", str(out)]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert out.read_bytes() == (folder / "predictions.jsonl").read_bytes()


def test_json_lines_become_the_same_rows(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "data_prep/custom.py", "--jsonl", folder / "lines.jsonl", "--val-jsonl"]
    done = subprocess.run(
        [*command, folder / "lines.jsonl", "--out", tmp_path / "out"],
        cwd=BEFORE.parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for name in ("val.parquet", "val_annotations.json"):
        assert (tmp_path / "out" / name).read_bytes() == (BEFORE / name).read_bytes(), name


def test_the_metrics_of_a_run_are_read() -> None:
    log = read_training_log([BEFORE / "metrics.1.jsonl"])
    assert log.last_step == 2 and log.series("reward/iou/mean").values and log.task_metric("ap")
