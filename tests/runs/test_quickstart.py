# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The quick start and the pretraining of its model, without running them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import recipe

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning import refusals
from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.planning.models import load_model
from verl_visual_rft.planning.settings import settings_of
from verl_visual_rft.runs import commands as run_commands
from verl_visual_rft.runs.catalogue import help_of, read_run

ROOT = Path(__file__).parents[2]
TINY = str(ROOT / "verl_visual_rft" / "miniature" / "tiny_qwen2vl")


def stages(name: str, *overrides: str, **variables: str) -> dict[str, list[str]]:
    done = recipe(name, *overrides, DRY_RUN="1", NGPUS="1", **variables)
    assert done.returncode == 0, done.stderr
    return {stage["stage"]: stage["command"] for stage in map(json.loads, done.stdout.splitlines())}


def configuration(command: list[str]) -> dict[str, Any]:
    pytest.importorskip("verl")
    return compose(parse_command(command))


def test_the_quick_start_compares_three_models_on_the_same_data():
    commands = stages("quickstart")
    models = {name: command[command.index("--model") + 1] for name, command in commands.items() if "--model" in command}
    run = ROOT / "outputs" / "quickstart"
    assert [models[f"predict_{method}"] for method in ("base", "sft", "rft")] == [
        TINY,
        f"{run}/sft/hf",
        f"{run}/rft/hf",
    ]
    assert len({command[command.index("--data") + 1] for command in commands.values() if "--data" in command}) == 2
    for method in ("sft", "rft"):
        settings = settings_of(configuration(commands[method]))
        refusals.check(settings, load_model(settings.model))
        assert (settings.model, settings.steps, settings.prompts) == (TINY, 60, 16)


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({}, "quickstart"),
        ({"REWARD": "iou=1,format=0.5", "SEED": "2"}, "quickstart_iou_1_format_0.5_seed2"),
        ({"REWARD": "paper", "STEPS": "5"}, "quickstart_paper"),
    ],
)
def test_variables_reach_grpo_and_the_name_of_the_folder(variables, folder):
    config = configuration(stages("quickstart", "data.shuffle=false", **variables)["rft"])
    assert config["trainer"]["default_local_dir"] == str(ROOT / "outputs" / folder / "rft" / "checkpoints")
    assert config["visual_rft"]["reward"] == variables.get("REWARD", "robust")
    assert config["data"]["seed"] == int(variables.get("SEED", 0))
    assert config["trainer"]["total_training_steps"] == int(variables.get("STEPS", 60))
    assert config["data"]["shuffle"] is False


def test_the_tiny_model_is_trained_in_two_phases():
    commands = stages("pretrain_tiny", SIMPLE_STEPS="3", NOISY_STEPS="7", SEED="5")
    run = ROOT / "outputs" / "pretrain_tiny"
    found = {name: configuration(commands[name]) for name in ("simple", "noisy")}
    assert {name: config["model"]["path"] for name, config in found.items()} == {
        "simple": f"{run}/corpus/untrained",
        "noisy": f"{run}/simple/hf",
    }
    assert [config["trainer"]["total_training_steps"] for config in found.values()] == [3, 7]
    assert commands["corpus"][-6:] == ["--seed", "5", "--simple", "96", "--noisy", "224"]


@pytest.mark.parametrize(
    ("name", "overrides", "variables", "message"),
    [
        ("quickstart", [], {"SEED": "x"}, "SEED=x is not a whole number from 0"),
        ("quickstart", [], {"STEPS": "0"}, "STEPS=0 is not a whole number from 1"),
        ("quickstart", [], {"REWARD": "a${b}"}, "veRL takes ${ for a reference"),
        ("quickstart", [], {"REWARD": "robsut"}, "unknown reward 'robsut' (did you mean 'robust'?)"),
        ("quickstart", [], {"REWARD": "accuracy_equal=1"}, "cannot score detection, only classification"),
        ("quickstart", ["--no"], {}, "--no is no veRL override"),
        ("pretrain_tiny", [], {"NOISY_STEPS": "1e3"}, "NOISY_STEPS=1e3 is not a whole number"),
        ("pretrain_tiny", ["a=b"], {}, "takes no veRL override"),
    ],
)
def test_a_wrong_value_is_one_line(name, overrides, variables, message):
    done = recipe(name, *overrides, **variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and message in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("variables", "overrides", "message"),
    [
        ({"NGPUS": "3"}, [], "3 ranks"),
        ({}, ["trainer.save_freq=-1"], "leaves no checkpoint"),
        ({}, ["trainer.logger=[console]"], "read the logger `file`"),
        ({}, ["trainer.max_actor_ckpt_to_keep=0"], "keeps one at least"),
        ({}, ["actor_rollout_ref.rollout.n=1"], "compared with others of its group"),
        ({}, ["reward.custom_reward_function.path=/no/mine.py"], "no such file"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_stage(tmp_path, variables, overrides, message):
    pytest.importorskip("verl")
    run = read_run("quickstart", variables | {"OUTPUT_DIR": str(tmp_path / "out")}, overrides, tmp_path)
    with pytest.raises(UserError, match=message):
        run.run()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) in ([".stages"], [".lock", ".stages"])


@pytest.mark.parametrize("argument", ["--help", "-h"])
def test_the_quick_start_explains_itself_without_installing_anything(argument):
    command = ["bash", "recipes/quickstart.sh", argument]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    assert "REWARD" in done.stdout and "pretrain_tiny.sh" in done.stdout and "set -euo" not in done.stdout


@pytest.mark.parametrize("name", ["quickstart", "pretrain_tiny", "lisa_2b"])
def test_without_a_repository_help_and_remedies_name_none_of_its_files(name, monkeypatch, tmp_path):
    monkeypatch.setattr(run_commands, "repository", lambda: None)
    assert f"visual-rft run {name}" in help_of(name)
    assert not re.search("bash|recipes/|data_prep/", help_of(name))
    with pytest.raises(UserError, match=f"visual-rft run {name} --variables shows the variables"):
        read_run(name, {}, ["--helpme"], tmp_path)
