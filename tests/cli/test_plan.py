# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft plan`` as a user runs it, on the recipes of this repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Done, visual_rft

from verl_visual_rft.runs.experiments import EXPERIMENTS

pytest.importorskip("verl")

REPOSITORY = Path(__file__).parents[2]
# Importing them fails, as where they are not installed.
PROGRAM = """
import sys
for name in ("torch", "transformers", "ray", "vllm", "tensordict"):
    sys.modules[name] = None
from verl_visual_rft.cli import main
main()
"""


def plan(*arguments: str | Path, **variables: str) -> Done:
    return visual_rft("plan", *arguments, cwd=REPOSITORY, **{"COLUMNS": "100", **variables})


def test_the_page_shows_settings_memory_and_time_and_fits_the_terminal():
    """In a process of its own, where torch and Ray cannot be imported."""
    command = [sys.executable, "-c", PROGRAM, "plan", "recipes/coco_ovd_2b.sh"]
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 100
    for text in (
        "Qwen/Qwen2-VL-2B-Instruct: 2.21 B parameters, all trained",
        "16 prompts x 8 rollouts = 128 answers",
        "750, 12,000 samples in all",
        "actor_rollout_ref.actor.kl_loss_coef",
        "optimizer step",
        "fits: ",
        "Nothing here was measured on a GPU",
    ):
        assert text in done.stdout


def test_what_does_not_fit_says_what_to_turn():
    done = plan("recipes/lisa_7b.sh", "--gpu", "rtx4090-24g", "--ngpus", "1")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "does not fit: " in done.stdout
    assert "LORA=64" in done.stdout


def test_json_has_everything_for_machines():
    done = plan("recipes/flowers102_2b.sh", "--json", "--ngpus", "4", "data.max_response_length=256", SHOTS="8")
    found = json.loads(done.stdout)
    assert found["recipe"]["shots"] == 8
    assert found["config"]["data"]["max_response_length"] == 256
    assert (found["gpus_per_node"], found["steps"], found["answers"]) == (4, 200, 128)
    assert found["memory"]["peaks"]["update"] == pytest.approx(sum(found["memory"]["phases"]["update"].values()))
    assert found["hours"] == pytest.approx(200 * sum(found["seconds_per_step"].values()) / 3600)


def test_full_prints_the_resolved_configuration():
    done = plan("recipes/lisa_2b.sh", "--full", METHOD="sft")
    assert "max_token_len_per_gpu:" in done.stdout
    assert "${" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["recipes/lisa_2b.sh"], {"METHOD": "base"}, "METHOD=base trains nothing; there is nothing to plan"),
        (["recipes/flowers102_2b.sh"], {"SHOTS": "3"}, "SHOTS=3"),
        (["recipes/lisa_2b.sh", "--ngpus", "3"], {}, "cannot be divided among 3 GPUs"),
        (["recipes/lisa_2b.sh", "--gpu", "v100"], {}, "--gpu v100 is none of a100-40g, a100-80g"),
        (["recipes/lisa_2b.sh", "data.no_such=1"], {}, "Could not override 'data.no_such'"),
        (["recipes/nothing.sh"], {}, "recipes/nothing.sh: no such recipe"),
        (["recipes/quickstart.sh"], {}, "recipes/quickstart.sh is no recipe of an experiment"),
        (["quickstart"], {}, "quickstart is no experiment of the paper, and cannot be planned; bash recipes/quick"),
        (["lisa_2"], {}, "no recipe 'lisa_2' (did you mean 'lisa_2b'?)"),
        (
            ["lisa_2b", "--check"],
            {"REWARD": "robsut"},
            "REWARD=robsut: unknown reward 'robsut' (did you mean 'robust'?)",
        ),
        (["lisa_2b", "--check", "visual_rft.reward=robsut"], {}, "unknown reward 'robsut' (did you mean 'robust'?)"),
    ],
)
def test_a_refusal_is_one_line(arguments, variables, message):
    done = plan(*arguments, **variables)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_script_that_is_no_recipe_is_not_run(tmp_path):
    script = tmp_path / "install.sh"
    script.write_text(f"touch {tmp_path}/ran\n")
    assert plan(script).returncode == 2
    assert not (tmp_path / "ran").exists()


def test_check_refuses_what_this_machine_cannot_do(tmp_path):
    cores = len(os.sched_getaffinity(0))
    common = {"DEVICE": "cpu", "OUTPUT_DIR": str(tmp_path / "out"), "RAY_ADDRESS": "local"}
    done = plan("recipes/lisa_2b.sh", "--check", NGPUS="1", **common)
    assert (done.returncode, done.stdout) == (0, "lisa_2b: nothing speaks against it\n")
    done = plan("recipes/lisa_2b.sh", "--check", NGPUS=str(64 * cores), **common)
    assert done.returncode == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("method", ["rft", "sft"])
@pytest.mark.parametrize("recipe", EXPERIMENTS)
def test_every_recipe_fits_eight_gpus_of_the_papers_kind(recipe, method):
    """The authors trained on A100s of 80 GB (README of the published code, issues 2 and 12)."""
    done = plan(recipe, "--json", METHOD=method)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["memory"]["fits"]
