# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft run``: the same runs as recipes/*.sh, from an installed package, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Done, recipe, visual_rft

import verl_visual_rft
from verl_visual_rft.runs import variables

NONE_GIVEN = dict.fromkeys((*variables.NAMES, "RAY_ADDRESS"), "")


def run(*words: str, cwd: Path | None = None, **environment: str) -> Done:
    return visual_rft("run", *words, cwd=cwd, **NONE_GIVEN | environment)


@pytest.mark.parametrize(
    ("name", "words", "given"),
    [
        ("coco_fewshot_2b", ["method=sft", "SHOTS=8", "lora=8"], {"METHOD": "sft", "SHOTS": "8", "LORA": "8"}),
        ("coco_fewshot_2b", ["output_dir=out", "data_root=d"], {"OUTPUT_DIR": "out", "DATA_ROOT": "d"}),
        ("lisa_7b", ["smoke=1", "reward=iou=1,format=0.5"], {"SMOKE": "1", "REWARD": "iou=1,format=0.5"}),
        ("quickstart", ["steps=40", "seed=1"], {"STEPS": "40", "SEED": "1"}),
        ("pretrain_tiny", ["noisy_steps=7"], {"NOISY_STEPS": "7"}),
    ],
)
def test_it_says_what_the_recipe_says(tmp_path, name, words, given):
    overrides = [] if name == "pretrain_tiny" else ["actor_rollout_ref.actor.optim.lr=2e-6", "+a=b", "~c"]
    expected = recipe(name, *overrides, cwd=tmp_path, DRY_RUN="1", NGPUS="1", **given)
    done = run(name, "dry_run=1", *words, *overrides, cwd=tmp_path, NGPUS="1")
    assert (done.returncode, done.stdout) == (0, expected.stdout), done.stderr
    assert expected.stdout and list(tmp_path.iterdir()) == []


def test_a_word_wins_over_the_environment():
    done = run("lisa_2b", "seed=2", SEED="1", THINK="off", DRY_RUN="1")
    facts = json.loads(done.stdout.splitlines()[0])["recipe"]
    assert (facts["seed"], facts["think"]) == (2, "off")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["coco_fewshot_2"], "no recipe 'coco_fewshot_2' (did you mean 'coco_fewshot_2b'?)"),
        (["lisa_2b", "shot=4"], "lisa_2b has no variable 'shot' (did you mean 'shots'?)"),
        (["lisa_2b", "methd=sft"], "(did you mean 'method'?)"),
        (["lisa_2b", "smoke"], "'smoke' is no key=value"),
        (["lisa_2b", "method=grpo"], "METHOD=grpo is unknown; choose one of: rft sft base"),
        (["lisa_2b"], "DATA_ROOT is not set"),
        (["quickstart", "shots=4"], "quickstart has no variable 'shots'"),
        (["quickstart", f"output_dir={__file__}/run"], "test_run.py is no folder; set OUTPUT_DIR to another"),
        (["quickstart", "output_dir=/proc/1/run"], "OUTPUT_DIR=/proc/1/run: /proc/1 may not be written"),
        (["pretrain_tiny", "a.b=1"], "takes no veRL override"),
    ],
)
def test_a_refusal_is_one_line(words, message):
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["coco_ovd_2b", "quickstart", "pretrain_tiny"])
def test_variables_are_what_the_recipes_help_says(name):
    done = run(name, "--variables")
    assert done.returncode == 0 and done.stdout == recipe(name, "--help").stdout
    assert "OUTPUT_DIR (outputs/" in done.stdout


def test_without_the_repository_our_own_command_prepares_the_data_and_folders_begin_here(tmp_path, monkeypatch):
    monkeypatch.setattr(verl_visual_rft, "__file__", str(tmp_path / "site-packages/verl_visual_rft/__init__.py"))
    done = run("coco_ovd_2b", "dry_run=1", cwd=tmp_path)
    first, *stages = map(json.loads, done.stdout.splitlines())
    assert first["recipe"]["output_dir"] == str(tmp_path / "outputs/coco_ovd_2b")
    commands = {stage["stage"]: stage["command"] for stage in stages}
    assert commands["data"][:5] == ["visual-rft", "data", "prepare", "coco", "--root"]
    assert commands["data_lvis"][:4] == ["visual-rft", "data", "prepare", "lvis"]
    drawn = json.loads(run("quickstart", "dry_run=1", cwd=tmp_path).stdout.splitlines()[0])["command"]
    assert drawn[:4] == ["visual-rft", "data", "prepare", "shapes"]
