# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of reward hacking without running it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from verl_visual_rft.planning import refusals
from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.planning.models import load_model
from verl_visual_rft.planning.settings import settings_of

ROOT = Path(__file__).parents[2]


def test_its_trainings_can_work(tmp_path, monkeypatch):
    pytest.importorskip("verl")
    monkeypatch.chdir(ROOT)
    stages = runpy.run_path("benchmarks/reward_hacking/run.py")["stages"](tmp_path, "weak", "paper", 3, 40, ["a.b=c"])
    names = ["raw", "data", "corpus", "warm_up", "export", "grpo_paper", "table"]
    assert [stage.name for stage in stages] == names
    assert stages[5].command[-1] == "a.b=c"
    for command in (stages[3].command, stages[5].command[:-1]):
        config = compose(parse_command(command))
        model = "verl_visual_rft/miniature/tiny_qwen2vl"
        refusals.check(settings_of(config), load_model(model))
