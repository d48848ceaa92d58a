# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of ``visual-rft recipes``."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from verl_visual_rft.cli import app
from verl_visual_rft.runs.experiments import EXPERIMENTS


def test_the_recipes_are_listed_with_table_row_data_steps_and_hours(monkeypatch):
    pytest.importorskip("hydra", reason="veRL is not installed")
    monkeypatch.setenv("COLUMNS", "200")
    printed = CliRunner().invoke(app, ["recipes"]).stdout
    lines = {line.split()[0]: line for line in printed.splitlines() if " Table " in line}
    assert list(lines) == list(EXPERIMENTS)
    ovd = lines["coco_ovd_7b"]
    for cell in ("Open-vocabulary detection", "Table 7 and 8, Qwen2-VL-7B", "coco, lvis", " 750 "):
        assert cell in ovd
    assert all(int(line.split()[-1]) > 0 for line in lines.values())
    assert "GPU hours of training are an estimate" in printed
