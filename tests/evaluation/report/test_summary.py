# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.report.summary import summarise, table_cells, terminal_table, write_summary
from verl_visual_rft.evaluation.tables import Measurement
from verl_visual_rft.evaluation.training_log import TrainingLog

DETECTION = {
    "task": "detection",
    "n": 4,
    "map_novel": None,
    "map_base": 12.34,
    "map_all": 12.34,
    "f1": {"value": 40.0, "n": 4, "low": 30.0, "high": 55.0},
    "reward": 1.5,
    "mean_iou_present": 0.25,
    "format_rate": 0.5,
    "intervals": {"map_novel": None, "map_base": {"low": 10.0, "high": 14.6}},
}
GROUNDING = {
    "task": "grounding",
    "n": 9,
    "miou": {"value": 40.0, "n": 9, "low": 30.0, "high": 50.0},
    "giou": None,
    "ciou": None,
    "reward": 1.0,
    "format_rate": 1.0,
}
NOTHING = TrainingLog({}, 0)


def _measurement(method, metrics):
    return Measurement(Path(f"eval/{method}/metrics.json"), "run", method, "", metrics)


def _summary(metrics=DETECTION, log=NOTHING):
    return summarise([_measurement(m, metrics) for m in ("base", "sft", "rft")], log, seed=1, seconds={"train": 12.345})


def test_summary_file(tmp_path):
    log = TrainingLog({step: {"reward/score/mean": float(step)} for step in range(1, 31)}, cut_lines=0)
    write_summary(_summary(log=log), tmp_path / "summary.json")
    record = json.loads((tmp_path / "summary.json").read_text())
    row = {name: DETECTION[name] for name in DETECTION if name not in ("task", "n", "intervals")} | {"f1": 40.0}
    assert record == {
        "task": "detection",
        "seed": 1,
        "steps": 30,
        "seconds": {"train": 12.3},
        "reward_first10": 5.5,
        "reward_last10": 25.5,
        "labels": {"base": "base", "sft": "+ SFT", "rft": "+ Visual-RFT"},
        "rows": dict.fromkeys(("base", "sft", "rft"), row),
        "intervals": dict.fromkeys(("base", "sft", "rft"), {"map_base": [10.0, 14.6], "f1": [30.0, 55.0]}),
        "n": dict.fromkeys(("base", "sft", "rft"), 4),
    }
    assert list(record["rows"]) == ["base", "sft", "rft"]


def test_cells():
    header, first, *_ = table_cells(_summary())
    assert header == ["method", "mAP novel", "mAP base", "mAP all", "F1", "mean reward", "mean IoU", "format rate"]
    assert first == ["base", "n/a", "12.3", "12.3", "40.0", "1.50", "0.25", "50%"]
    without = {name: value for name, value in DETECTION.items() if name != "f1"}
    assert table_cells(_summary(without))[1][4] == "n/a", "of an older metrics file"
    assert table_cells(_summary(), intervals=True)[1][2] == "12.3\n(10.0 to 14.6)"


def test_a_row_is_called_by_its_settings_where_the_run_says_them():
    measurement = replace(_measurement("sft", DETECTION), settings="+ SFT (LoRA 8, answers alone)")
    summary = summarise([measurement], NOTHING, seed=0, seconds={})
    assert table_cells(summary)[1][0] == "+ SFT (LoRA 8, answers alone)"
    console = Console(width=80, file=StringIO())
    console.print(terminal_table(summary))
    printed = console.file.getvalue()
    assert "  + SFT  " in printed and "…" not in printed  # the figures have room
    assert "+ SFT (LoRA 8, answers alone)" in printed


def test_other_tasks():
    measured = GROUNDING | {"acc50": {"value": 30.0, "n": 9, "low": 20.0, "high": 45.0}}
    for metrics, accuracy in ((GROUNDING, "n/a"), (measured, "30.0\n(20.0 to 45.0)")):
        assert table_cells(_summary(metrics), intervals=True)[:2] == [
            ["method", "mIoU", "Acc@0.5", "gIoU", "cIoU", "mean reward", "format rate"],
            ["base", "40.0\n(30.0 to 50.0)", accuracy, "n/a", "n/a", "1.00", "100%"],
        ]


def test_terminal_table_fits_eighty_columns():
    screen = StringIO()
    Console(file=screen, width=80).print(terminal_table(_summary()))
    assert "+ Visual-RFT " in screen.getvalue()
    assert "…" not in screen.getvalue(), "nothing is cut"


def test_figure_that_is_missing():
    broken = _measurement("sft", {key: value for key, value in DETECTION.items() if key != "map_novel"})
    with pytest.raises(UserError, match="eval/sft/metrics.json: no figure 'map_novel'"):
        summarise([broken], NOTHING, seed=0, seconds={})


def test_several_tasks():
    mixed = [_measurement("base", DETECTION), _measurement("sft", GROUNDING)]
    with pytest.raises(UserError, match=r"tasks \['detection', 'grounding'\]"):
        summarise(mixed, NOTHING, seed=0, seconds={})
    with pytest.raises(UserError, match="dreaming"):
        summarise([replace(mixed[0], metrics={"task": "dreaming"})], NOTHING, seed=0, seconds={})
