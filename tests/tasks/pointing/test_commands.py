# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The commands that people use, from JSON lines to a report."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
from commands import data_prep, visual_rft
from PIL import Image

from verl_visual_rft.evaluation.predictions import Prediction

LINES = [
    {"instruction": "close the window", "box": [180, 0, 200, 10]},
    {"instruction": "the wheels", "targets": [{"point": [50, 80], "radius": 10}, {"point": [150, 80], "radius": 10}]},
    {"instruction": "the moon", "targets": []},
]
RESPONSES = [
    '<think> at the top </think> <answer>[{"point_2d": [950, 50]}]</answer>',
    '<think> below </think> <answer>[{"point_2d": [250, 800]}, {"point_2d": [500, 100]}]</answer>',
    "<think> it is day </think> <answer>No Objects</answer>",
]


def test_from_json_lines_to_a_report(tmp_path: Path) -> None:
    for number in range(len(LINES)):
        Image.new("RGB", (200, 100), (60 * number, 80, 160)).save(tmp_path / f"{number}.png")
    lines = [{"image": f"{number}.png", "task": "pointing"} | line for number, line in enumerate(LINES)]
    (tmp_path / "val.jsonl").write_text("\n".join(map(json.dumps, lines)))
    data, method = tmp_path / "data", tmp_path / "run/eval/rft"
    method.mkdir(parents=True)
    predictions, metrics = method / "predictions.jsonl", method / "metrics.json"
    arguments = ("--jsonl", tmp_path / "val.jsonl", "--val-jsonl", tmp_path / "val.jsonl", "--out", data)
    done = data_prep("custom.py", *arguments)
    assert done.returncode == 0, done.stderr
    with predictions.open("w") as file:
        for row, response in zip(pq.read_table(data / "val.parquet").to_pylist(), RESPONSES, strict=True):
            extra = row["extra_info"]
            asked = {key: extra[key] for key in ("index", "image_id", "category", "category_id", "width", "height")}
            truth = row["reward_model"]["ground_truth"]
            line = Prediction(
                task="pointing", ground_truth=truth, response=response, response_tokens=9, finish_reason="stop", **asked
            )
            file.write(line.to_line())
    done = visual_rft("eval", predictions, "--data", data, "--out", metrics)
    assert done.returncode == 0, done.stderr
    figures = json.loads(metrics.read_text())
    assert (figures["hit_rate"]["value"], figures["targets"]) == (75.0, 4)
    done = visual_rft("report", tmp_path / "run", COLUMNS="160")
    assert done.returncode == 0, done.stderr
    assert "hit rate" in done.stdout and "75.0" in done.stdout
    page = (tmp_path / "run/report.html").read_text()
    assert "close the window" in page and "the moon" in page
    assert "point 1: Gaussian 1.00 with its object" in page and "1 object without a point" in page
