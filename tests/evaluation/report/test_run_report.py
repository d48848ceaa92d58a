# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.run_report import stage_seconds, training_log_files, write_run_report


def _train(run):
    (run / "rft").mkdir()
    lines = (json.dumps({"step": step, "data": {"reward/score/mean": 1.0}}) for step in range(1, 4))
    (run / "rft" / "metrics.1.jsonl").write_text("".join(line + "\n" for line in lines))


def test_files_of_a_run(run, capsys):
    _train(run)
    write_run_report(run, reward="robust", seed=1)
    assert json.loads((run / "summary.json").read_text())["steps"] == 3
    assert (run / "curves.png").stat().st_size > 10_000
    assert "Reward component" not in (run / "report.html").read_text()
    assert "+ Visual-RFT" in capsys.readouterr().out


def test_run_without_training(run):
    write_run_report(run, reward="robust", seed=1)
    assert json.loads((run / "summary.json").read_text())["reward_first10"] is None
    assert not (run / "curves.png").exists() and (run / "report.html").exists()


def test_pictures_are_those_of_the_split_that_was_predicted(run):
    (run / "data" / "val.parquet").rename(run / "data" / "test.parquet")
    with pytest.raises(UserError, match="val.parquet: no such file"):
        write_run_report(run, reward="robust", seed=1)
    for method in ("base", "sft", "rft"):
        meta = run / "eval" / method / "predictions.meta.json"
        meta.write_text(json.dumps({"data": "somewhere/else/test.parquet"}))
    write_run_report(run, reward="robust", seed=1)
    assert (run / "report.html").exists()


def test_several_splits_have_no_common_page(run):
    shutil.copytree(run / "eval" / "base", run / "eval" / "base" / "test")
    with pytest.raises(UserError, match="a page is of one"):
        write_run_report(run, reward="robust", seed=1)


def test_training_logs_in_the_order_of_the_starts(tmp_path):
    for number in (10, 9, 1):
        (tmp_path / f"metrics.{number}.jsonl").touch()
    assert [path.name for path in training_log_files(tmp_path)] == [f"metrics.{n}.jsonl" for n in (1, 9, 10)]
    with pytest.raises(UserError, match="train first"):
        training_log_files(tmp_path / "none")


def test_seconds_of_the_stages(tmp_path):
    (tmp_path / ".stages").mkdir()
    (tmp_path / ".stages" / "rft.done").write_text("key\n61\n")
    assert stage_seconds(tmp_path) == {"rft": 61.0}
