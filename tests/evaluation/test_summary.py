# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.summary import (
    markdown_table,
    read_summary,
    summarise,
    terminal_table,
    write_summary,
)
from verl_visual_rft.evaluation.training_log import TrainingLog

FIGURES = {
    "map_novel": None,
    "map_base": 12.34,
    "map_all": 12.34,
    "reward": 1.5,
    "mean_iou": 0.25,
    "mean_iou_present": 0.25,
    "format_rate": 0.5,
}


@pytest.fixture
def metrics(tmp_path):
    paths = {}
    for method in ("rft", "base", "sft"):
        paths[method] = tmp_path / f"{method}.json"
        paths[method].write_text(json.dumps({**FIGURES, "n": 4}))
    return paths


def _log():
    return TrainingLog({step: {"reward/score/mean": float(step)} for step in range(1, 31)}, cut_lines=0)


def test_summary_file_has_the_promised_keys_and_reads_back(metrics, tmp_path):
    summary = summarise(metrics, _log(), seed=1, seconds={"train": 12.345})
    out = tmp_path / "summary.json"
    write_summary(summary, out)
    record = json.loads(out.read_text())
    assert record == {
        "seed": 1,
        "steps": 30,
        "seconds": {"train": 12.3},
        "reward_first10": 5.5,
        "reward_last10": 25.5,
        "rows": {"base": FIGURES, "sft": FIGURES, "rft": FIGURES},
    }
    assert list(record["rows"]) == ["base", "sft", "rft"]
    assert read_summary(out) == summary


def test_markdown_table(metrics):
    assert markdown_table(summarise(metrics, _log(), seed=0, seconds={})) == (
        "| method | mAP novel | mAP base | mAP all | mean reward | mean IoU | format rate |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| base | n/a | 12.3 | 12.3 | 1.50 | 0.25 | 50% |\n"
        "| + SFT | n/a | 12.3 | 12.3 | 1.50 | 0.25 | 50% |\n"
        "| + Visual-RFT | n/a | 12.3 | 12.3 | 1.50 | 0.25 | 50% |\n"
    )


def test_terminal_table_fits_eighty_columns(metrics):
    screen = StringIO()
    Console(file=screen, width=80).print(terminal_table(summarise(metrics, _log(), seed=0, seconds={})))
    assert "+ Visual-RFT " in screen.getvalue()
    assert "…" not in screen.getvalue(), "nothing is cut"


def test_base_alone_has_no_training(metrics):
    summary = summarise({"base": metrics["base"]}, TrainingLog({}, 0), seed=0, seconds={})
    assert (summary.steps, summary.reward_first10, list(summary.rows)) == (0, None, ["base"])


def test_figure_that_is_missing(metrics):
    metrics["sft"].write_text("{}")
    with pytest.raises(UserError, match="sft.json: no figure 'map_novel'"):
        summarise(metrics, _log(), seed=0, seconds={})


def test_unknown_method(metrics):
    with pytest.raises(UserError, match="dpo"):
        summarise({"dpo": metrics["base"]}, _log(), seed=0, seconds={})
