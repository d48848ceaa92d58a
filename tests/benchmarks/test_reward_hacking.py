# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of reward hacking without running it."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
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


def dry_run(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DRY_RUN": "1", "OUTPUT_DIR": "out"} | variables
    command = ["bash", str(ROOT / "benchmarks/reward_hacking/run.sh"), "a.b=c"]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_a_dry_run_prints_its_commands_and_does_nothing(tmp_path):
    done = dry_run(tmp_path, REWARD="paper")
    assert done.returncode == 0, done.stderr
    stages = {stage["stage"]: stage["command"] for stage in map(json.loads, done.stdout.splitlines())}
    assert list(stages) == ["raw", "data", "corpus", "warm_up", "export", "grpo_paper", "table"]
    assert stages["grpo_paper"][-1] == "a.b=c"
    assert stages["raw"][stages["raw"].index("--out") + 1] == f"{tmp_path}/out/raw"
    assert [*tmp_path.iterdir()] == []


def test_a_wrong_variable_is_one_line(tmp_path):
    done = dry_run(tmp_path, STRENGTH="huge")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "error: STRENGTH=huge is unknown; choose one of: weak middling strong\n"
