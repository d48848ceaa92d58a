# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of ``visual-rft recipes``."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import verl_visual_rft
from verl_visual_rft.cli import app
from verl_visual_rft.cli.recipes import find_recipes
from verl_visual_rft.errors import UserError


def test_the_recipes_are_listed_with_table_row_data_steps_and_hours(monkeypatch):
    pytest.importorskip("hydra", reason="veRL is not installed")
    monkeypatch.setenv("COLUMNS", "200")
    printed = CliRunner().invoke(app, ["recipes"]).stdout
    lines = {line.split()[0]: line for line in printed.splitlines() if line.strip().startswith("recipes/")}
    assert list(lines) == [f"recipes/{path.name}" for path in find_recipes()]
    ovd = lines["recipes/coco_ovd_7b.sh"]
    for cell in ("Open-vocabulary detection", "Table 7 and 8, Qwen2-VL-7B", "coco, lvis", " 750 "):
        assert cell in ovd
    assert all(int(line.split()[-1]) > 0 for line in lines.values())
    assert "GPU hours of training are an estimate" in printed


def test_a_package_without_its_repository_has_no_recipes(tmp_path, monkeypatch):
    monkeypatch.setattr(verl_visual_rft, "__file__", str(tmp_path / "verl_visual_rft" / "__init__.py"))
    with pytest.raises(UserError, match="they come with the repository; clone it"):
        find_recipes()
