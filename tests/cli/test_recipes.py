# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of ``visual-rft recipes``."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from verl_visual_rft.cli import app
from verl_visual_rft.gpus import GPUS
from verl_visual_rft.planning.plan import plan_recipe
from verl_visual_rft.runs.experiments import EXPERIMENTS
from verl_visual_rft.runs.planned import read_recipe


def test_the_recipes_are_listed_with_table_row_data_steps_and_hours(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    printed = CliRunner().invoke(app, ["recipes"]).stdout
    lines = {line.split()[0]: line for line in printed.splitlines() if " Table " in line}
    assert list(lines) == list(EXPERIMENTS)
    ovd = lines["coco_ovd_7b"]
    for cell in ("Open-vocabulary detection", "Table 7 and 8, Qwen2-VL-7B", "coco, lvis", " 750 "):
        assert cell in ovd
    assert [int(line.split()[-1]) for line in lines.values()] == [run.gpu_hours for run in EXPERIMENTS.values()]
    assert "GPU hours of training are an estimate" in printed


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_hours_are_those_of_the_plan(name):
    pytest.importorskip("verl")
    recipe = read_recipe(name, variables={"DEVICE": "cuda", "NGPUS": "8", "NNODES": "1"})
    planned = plan_recipe(recipe, GPUS["a100-80g"])
    assert planned.hours is not None and EXPERIMENTS[name].gpu_hours == round(planned.hours * 8)


def test_a_list_needs_neither_verl_nor_its_configuration():
    """It took nine seconds, most of them in Hydra."""
    program = "import sys; from verl_visual_rft.cli import main; sys.argv = ['', 'recipes']\n"
    program += "try: main()\nexcept SystemExit: pass\nprint(sorted({'hydra', 'pyarrow', 'verl'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
