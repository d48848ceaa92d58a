# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.evaluate import evaluate
from verl_visual_rft.evaluation.report.run import stage_seconds, write_run_report


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


@pytest.mark.parametrize(
    ("manifest", "recipe", "given", "seed"),
    [(7, None, None, 7), (7, 5, None, 5), (7, 5, 3, 3), (None, None, None, None), (0, None, None, 0)],
)
def test_the_seed_is_that_of_the_run(run, capsys, manifest, recipe, given, seed):
    path = run / "data" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": manifest}))
    if recipe is not None:
        for folder in (run / "eval").iterdir():
            (folder / "run.json").write_text(json.dumps({"recipe": {"label": "x", "seed": recipe}}))
    write_run_report(run, reward="robust", seed=given)
    assert json.loads((run / "summary.json").read_text())["seed"] == seed
    for text in (capsys.readouterr().out, (run / "report.html").read_text()):
        assert ("seed unknown" if seed is None else f"seed {seed}") in text


def test_run_without_training(run):
    write_run_report(run, reward="robust", seed=1)
    assert json.loads((run / "summary.json").read_text())["reward_first10"] is None
    assert not (run / "curves.png").exists() and (run / "report.html").exists()


def test_pictures_are_those_of_the_questions_that_were_answered(run):
    (run / "data" / "val.parquet").rename(run / "data" / "test.parquet")
    with pytest.raises(UserError, match="val.parquet: no such file"):
        write_run_report(run, reward="robust", seed=1)
    for folder in (run / "eval").iterdir():
        evaluate(folder / "predictions.jsonl", run / "data", "robust").write(folder / "metrics.json")
    moved = run.rename(run.with_name("moved"))
    write_run_report(moved, reward="robust", seed=1)
    assert (moved / "report.html").exists()


def test_each_evaluation_set_has_its_page(run, capsys):
    for folder in list((run / "eval").iterdir()):
        whole = folder.rename(folder.with_name("whole"))
        for name in ("coco", "lvis"):
            shutil.copytree(whole, folder / name)
            evaluate(folder / name / "predictions.jsonl", run / "data", "robust").write(folder / name / "metrics.json")
        shutil.rmtree(whole)
    write_run_report(run, reward="robust", seed=1)
    names = {f"{kind}-{name}" for kind in ("report", "summary") for name in ("coco", "lvis")}
    assert {path.stem for path in run.iterdir() if path.is_file()} == names
    assert "<h1>Visual-RFT: lvis</h1>" in (run / "report-lvis.html").read_text()
    assert "Detection, coco, seed 1" in capsys.readouterr().out


def test_methods_that_answered_different_questions_have_no_common_page(run):
    shutil.copytree(run / "data", run / "other")
    path = run / "eval" / "rft" / "metrics.json"
    evaluate(path.with_name("predictions.jsonl"), run / "other", "robust").write(path)
    with pytest.raises(UserError, match=r"different questions .*rft/metrics.json of .*other/val.parquet"):
        write_run_report(run, reward="robust", seed=1)


def test_metrics_of_several_runs_have_no_page(run):
    path = run / "eval" / "rft" / "metrics.json"
    path.write_text(json.dumps({"task": "detection", "runs": {"a.jsonl": json.loads(path.read_text())}}))
    with pytest.raises(UserError, match="holds several runs; a page is about one: .visual-rft eval. its predictions"):
        write_run_report(run, reward="robust", seed=1)


def test_metrics_from_before_they_said_what_was_asked(run):
    path = run / "eval" / "rft" / "metrics.json"
    content = json.loads(path.read_text())
    del content["data"]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="no key 'data' with a 'parquet'; run `visual-rft eval` again"):
        write_run_report(run, reward="robust", seed=1)


def test_seconds_of_the_stages(tmp_path):
    (tmp_path / ".stages").mkdir()
    (tmp_path / ".stages" / "rft.done").write_text("key\n61\n")
    assert stage_seconds(tmp_path) == {"rft": 61.0}
