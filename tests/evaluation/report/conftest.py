# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A recipe's run: three methods' answers to the four questions of ``prepared``, evaluated, and its report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from verl_visual_rft.evaluation.evaluate import evaluate
from verl_visual_rft.evaluation.report import ReportResult, build_report
from verl_visual_rft.evaluation.report.summary import summarise
from verl_visual_rft.evaluation.tables import read_measurements
from verl_visual_rft.evaluation.training_log import TrainingLog

#: HTML, a script and a template in what the model wrote.
HOSTILE = (
    "<think> </pre><script>window.hacked = true</script> & <img src=x onerror='window.hacked = true'> {{ 7 * 7 }} "
    "</think> <answer>[{'Position': [</svg><script>window.hacked = true</script>]}]</answer>"
)
NONE = "<think> I look. </think> <answer>No Objects</answer>"
LOG = TrainingLog(
    {
        step: {
            "reward/score/mean": step / 10,
            "reward/score/std": 0.1,
            "reward/iou/mean": 0.5,
            "reward/iou/std": 0.2,
            "reward/n_pred/mean": 3.0,
            "actor/kl_loss": 0.01 * step,
            "response_length/mean": 20.0,
            "group/zero_std_frac": 0.25,
        }
        for step in range(1, 21)
    },
    cut_lines=0,
)


@pytest.fixture
def run(prepared: Path, write_predictions, perfect, answer, tmp_path: Path) -> Path:
    """The run's folder, with predictions and metrics."""
    responses = {
        "base": [HOSTILE, NONE, NONE, NONE],
        "sft": [answer(([100, 100, 400, 200], 0.4)), NONE, NONE, answer(([100, 100, 500, 500], 0.7))],
        "rft": perfect,
    }
    shutil.copytree(prepared, tmp_path / "run" / "data")
    for method, texts in responses.items():
        folder = tmp_path / "run" / "eval" / method
        folder.mkdir(parents=True)
        write_predictions(texts, folder / "predictions.jsonl")
        evaluate(folder / "predictions.jsonl", tmp_path / "run" / "data", "robust").write(folder / "metrics.json")
    return tmp_path / "run"


@pytest.fixture
def build(run: Path) -> Callable[..., ReportResult]:
    """Build the run's report."""

    def report(log: TrainingLog = LOG, pictures: int = 24) -> ReportResult:
        measurements = read_measurements([run])
        return build_report(
            run / "report.html",
            summary=summarise(measurements, log, seed=3, seconds={}),
            measurements=measurements,
            data=run / "data" / "val.parquet",
            reward="robust",
            log=log,
            pictures=pictures,
        )

    return report
