# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's experiments without running them: what they say, refuse, and hand to veRL."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from commands import recipe as call
from fidelity_page import differences
from omegaconf import OmegaConf

from verl_visual_rft.evaluation.tables import paper_table
from verl_visual_rft.planning import refusals
from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.planning.models import load_model
from verl_visual_rft.planning.settings import settings_of
from verl_visual_rft.runs.catalogue import NAMES
from verl_visual_rft.runs.experiments import EXPERIMENTS
from verl_visual_rft.runs.variables import NAMES as VARIABLES

ROOT = Path(__file__).parents[2]
RECIPES = sorted(EXPERIMENTS)
#: Steps and rollouts of the published training scripts.
SETTINGS = {
    "coco_ovd_2b": (750, 8),
    "coco_ovd_7b": (750, 4),
    "lisa_2b": (498, 8),
    "lisa_7b": (498, 4),
    "coco_fewshot_7b": (200, 4),
    "lvis_fewshot_7b": (200, 4),
}


@cache
def dry_run(name: str, *overrides: str, **environment: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    done = call(name, *overrides, **({"DRY_RUN": "1", "DEVICE": "cuda", "NGPUS": "8"} | environment))
    assert done.returncode == 0, done.stderr
    first, *stages = map(json.loads, done.stdout.splitlines())
    return first["recipe"], {stage["stage"]: stage["command"] for stage in stages}


@cache
def training(recipe: str, method: str, *overrides: str, **environment: str) -> dict[str, Any]:
    return compose(parse_command(dry_run(recipe, *overrides, METHOD=method, **environment)[1][method]))


def test_there_is_a_recipe_for_every_experiment_of_the_paper():
    """By the paper's tables of results: every size of model that was tuned, and of table 2 every data set."""
    _, *columns = paper_table(2).columns  # the first is the average
    rows = {facts["paper"]["row"] for facts, _ in map(dry_run, RECIPES) if facts["tables"] == [2]}
    assert rows == {f"column {column.name}" for column in columns}
    tuned = {(number, row.model) for number in range(2, 9) for row in paper_table(number).rows if row.method == "rft"}
    assert {(table, recipe[-2:]) for recipe in RECIPES for table in dry_run(recipe)[0]["tables"]} == tuned


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_experiment_is_one_of_a_table_of_the_paper(recipe):
    facts, _ = dry_run(recipe)
    assert (facts["steps"], facts["rollouts"]) == SETTINGS.get(recipe, (200, 8))
    assert recipe.endswith(facts["model"].split("-")[-2].lower())
    for table in facts["tables"]:
        paper_table(table).require_setting(recipe[-2:], facts["shots"])


def test_every_run_has_a_script_of_one_screen_that_runs_it():
    scripts = {path.stem: path.read_text() for path in (ROOT / "recipes").glob("*.sh") if path.stem != "common"}
    assert scripts.keys() == set(NAMES)
    for name, text in scripts.items():
        assert len(text.splitlines()) <= 25
        assert text.endswith(f'\nsource recipes/common.sh\nrun {name} "$@"\n')


def test_a_script_says_what_its_run_says_wherever_it_is_called(tmp_path):
    given = {
        "OUTPUT_DIR": "a b",
        "SEED": "3",
        "DRY_RUN": "1",
        "DEVICE": "cuda",
        "NGPUS": "8",
        "DATA_ROOT": "$(touch ran)",
    }
    arguments = ["a=$(touch ran) 'b'", "+c=\\"]
    done = run_script("lisa_2b", *arguments, cwd=tmp_path, **given)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == call("lisa_2b", *arguments, cwd=tmp_path, **given).stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "variables", [{"SEED": "a[$(touch ran)]"}, {"DRY_RUN": "2"}, {}, {"REWARD": "$(touch ran)"}, {"REWARD": "robsut"}]
)
def test_a_script_refuses_before_it_installs_anything(tmp_path, variables):
    done = run_script("lisa_2b", cwd=tmp_path, **variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["device", "/", "lisa_2b"], ["run", "/", "lisa_2b"], ["run", "/", "lisa_2b", "-h"]]
)
def test_what_is_done_before_there_is_an_environment_needs_pythons_own_library_alone(arguments):
    command = [sys.executable, "-S", "-m", "verl_visual_rft.runs", *arguments]
    variables = {"PATH": os.environ["PATH"], "DRY_RUN": "1", "DEVICE": "cpu"}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout


def run_script(name: str, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | variables
    command = ["bash", str(ROOT / "recipes" / f"{name}.sh"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("recipe", RECIPES)
def test_grpo_is_what_the_fidelity_page_says(recipe):
    config = training(recipe, "rft")
    assert differences(OmegaConf.create(config), recipe=True) == []
    settings = settings_of(config)
    refusals.check(settings, load_model(settings.model))


@pytest.mark.parametrize("recipe", RECIPES)
def test_sft_sees_the_same_rows_samples_and_schedule(recipe):
    sft, rft = training(recipe, "sft"), training(recipe, "rft")
    settings = settings_of(sft)
    refusals.check(settings, load_model(settings.model))
    assert sft["data"]["train_batch_size"] == rft["data"]["train_batch_size"] == 16
    assert sft["trainer"]["total_training_steps"] == rft["trainer"]["total_training_steps"]
    assert [file.replace("sft_train", "train") for file in sft["data"]["train_files"]] == rft["data"]["train_files"]
    same = ("lr", "lr_scheduler_type", "lr_warmup_steps", "lr_warmup_steps_ratio", "min_lr_ratio", "weight_decay")
    optim = rft["actor_rollout_ref"]["actor"]["optim"]
    assert {key: sft["optim"][key] for key in same} == {key: optim[key] for key in same}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("method", ["rft", "sft", "base"])
def test_every_method_shares_data_and_folder_and_evaluates_the_same_questions(recipe, method):
    facts, stages = dry_run(recipe, METHOD=method)
    other_facts, other = dry_run(recipe, METHOD="rft")
    assert facts["output_dir"] == other_facts["output_dir"]
    data = [name for name in stages if name.startswith("data")]
    assert {name: stages[name] for name in data} == {name: other[name] for name in data}
    asked = [stages[name][stages[name].index("--data") + 1] for name in stages if name.startswith("predict")]
    assert asked == [other[name][other[name].index("--data") + 1] for name in other if name.startswith("predict")]
    assert (method in stages) == (method != "base")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("method", ["rft", "sft"])
def test_the_smoke_run_has_the_stages_of_the_run(recipe, method):
    smoke = dry_run(recipe, METHOD=method, SMOKE="1", DEVICE="cpu", NGPUS="1")[1]
    made = [name for name in smoke if name not in ("model", "sam") and not name.startswith("original_")]
    assert made == list(dry_run(recipe, METHOD=method)[1])
    config = compose(parse_command(smoke[method]))
    assert config["trainer"]["total_training_steps"] == 2 and config["trainer"]["device"] == "cpu"


@pytest.mark.parametrize(
    ("ngpus", "expected"), [("1", (4, 8, 4)), ("8", (4, 8, 2)), ("16", (4, 8, 1)), ("64", (2, 2, 1))]
)
def test_micro_batches_divide_what_a_rank_has(ngpus, expected):
    rft = training("flowers102_2b", "rft", NGPUS=ngpus)["actor_rollout_ref"]
    sft = {} if int(ngpus) > 16 else training("flowers102_2b", "sft", NGPUS=ngpus)["data"]
    assert rft["actor"]["ppo_micro_batch_size_per_gpu"] == expected[0]
    assert rft["ref"]["log_prob_micro_batch_size_per_gpu"] == expected[1]
    assert sft.get("micro_batch_size_per_gpu", 1) == expected[2]


def test_rows_that_fill_no_batch_are_asked_twice():
    files = training("coco_fewshot_2b", "rft", SHOTS="1")["data"]["train_files"]
    assert len(files) == 2 and len(set(files)) == 1
    assert len(training("coco_fewshot_2b", "rft", SHOTS="2")["data"]["train_files"]) == 1


@pytest.mark.parametrize(
    ("variables", "key", "value"),
    [
        ({"ALGO": "gdpo"}, "algorithm.adv_estimator", "visual_rft_gdpo"),
        ({"ALGO": "dr_grpo"}, "algorithm.norm_adv_by_std_in_grpo", False),
        ({"ALGO": "dapo"}, "algorithm.filter_groups.enable", True),
        ({"LORA": "16"}, "actor_rollout_ref.model.lora_rank", 16),
        ({"LORA": "16"}, "actor_rollout_ref.model.lora_alpha", 32),
        ({"FREEZE_VISION": "1"}, "actor_rollout_ref.actor.fsdp_config.freeze_vision", True),
        ({"TAU": "curriculum"}, "visual_rft.tau", "curriculum"),
        ({"REWARD": "iou=1,format=0.5"}, "visual_rft.reward", "iou=1,format=0.5"),
        ({"SEED": "3"}, "actor_rollout_ref.rollout.seed", 3),
        ({"NNODES": "2", "RAY_ADDRESS": "host:6379"}, "trainer.nnodes", 2),
    ],
)
def test_a_variable_reaches_grpo_and_the_name_of_the_folder(variables, key, value):
    config = OmegaConf.create(training("coco_fewshot_2b", "rft", **variables))
    assert OmegaConf.select(config, key) == value
    name = dry_run("coco_fewshot_2b", **variables)[0]["output_dir"]
    assert (name == dry_run("coco_fewshot_2b")[0]["output_dir"]) == ("NNODES" in variables)


@pytest.mark.parametrize(
    ("variables", "key", "value", "label"),
    [
        ({}, "model.lora_rank", 0, "+ SFT (all parameters, answers alone)"),
        ({"LORA": "8"}, "model.lora_alpha", 16, "+ SFT (LoRA 8, answers alone)"),
        ({"LORA": "8"}, "optim.lr_warmup_steps_ratio", 0.5, "+ SFT (LoRA 8, answers alone)"),
        ({"LORA": "8"}, "checkpoint.save_lora_only", True, "+ SFT (LoRA 8, answers alone)"),
        ({"FREEZE_VISION": "1"}, "engine.freeze_vision", True, "+ SFT (vision tower frozen, answers alone)"),
        ({"SFT_TARGET": "reasoning"}, "model.lora_rank", 0, "+ SFT (all parameters, with reasoning)"),
    ],
)
def test_a_variable_reaches_sft_and_the_label_of_its_row(variables, key, value, label):
    assert OmegaConf.select(OmegaConf.create(training("lisa_2b", "sft", **variables)), key) == value
    assert dry_run("lisa_2b", METHOD="sft", **variables)[0]["label"] == label


def test_what_data_preparation_is_told():
    _, stages = dry_run("lvis_fewshot_2b", THINK="off", DATA_ROOT="/lvis", SEED="5")
    command = stages["data"]
    assert command[:4] == ["python", "data_prep/lvis.py", "--root", "/lvis"] and "--no-think" in command
    for option, value in (("--seed", "5"), ("--family", "qwen2-vl"), ("--max-prompt-tokens", "1024")):
        assert command[command.index(option) + 1] == value


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    ("variables", "share"),
    [
        ({}, "0.1"),
        ({"REWARD": "robust-1"}, "0.1"),
        ({"NEGATIVES": "0.25"}, "0.25"),
        ({"NEGATIVES": "0"}, None),
        ({"NEGATIVES": "0.0"}, None),
        ({"NEGATIVES": "0.250"}, "0.25"),
        ({"REWARD": "paper"}, None),
        ({"REWARD": "reference"}, None),
        ({"REWARD": "paper", "NEGATIVES": "0.05"}, "0.05"),
    ],
)
def test_detection_is_trained_with_negatives_but_under_the_papers_reward(recipe, variables, share):
    if float(variables.get("NEGATIVES", 0)) and recipe.split("_")[0] not in ("coco", "lvis", "mg"):
        assert "about the questions of detection" in call(recipe, DRY_RUN="1", NEGATIVES="0.1").stderr
        return
    facts, stages = dry_run(recipe, **variables)
    shares = {
        name: command[command.index("--negatives") + 1] for name, command in stages.items() if "--negatives" in command
    }
    detection = facts["data_set"] in ("coco", "lvis", "mg")
    assert shares == ({"data": share} if share and detection else {})
    assert facts["negatives"] == float(shares.get("data", 0))
    assert (f"negatives {share}" in facts["label"]) == bool(shares)


def test_negatives_other_than_the_rewards_are_part_of_the_folders_name():
    names = {
        (reward, share): Path(dry_run("mg_fewshot_2b", REWARD=reward, NEGATIVES=share)[0]["output_dir"]).name
        for reward in ("robust", "paper")
        for share in ("0", "0.1")
    }
    assert dry_run("mg_fewshot_2b", NEGATIVES="0.10") == dry_run("mg_fewshot_2b")
    assert names == {
        ("robust", "0.1"): "mg_fewshot_2b_4shot",
        ("robust", "0"): "mg_fewshot_2b_4shot_negatives0",
        ("paper", "0.1"): "mg_fewshot_2b_4shot_paper_negatives0.1",
        ("paper", "0"): "mg_fewshot_2b_4shot_paper",
    }


def test_overrides_of_the_command_line_have_the_last_word():
    config = training("pets37_2b", "rft", "trainer.total_training_steps=7", "actor_rollout_ref.actor.optim.lr=2e-6")
    assert config["trainer"]["total_training_steps"] == 7
    assert config["actor_rollout_ref"]["actor"]["optim"]["lr"] == 2e-6


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"METHOD": "grpo"}, "METHOD=grpo is unknown; choose one of: rft sft base"),
        ({"ALGO": "ppo"}, "ALGO=ppo is unknown; choose one of: paper dapo gdpo dr_grpo"),
        ({"THINK": "yes"}, "THINK=yes is unknown; choose one of: on off"),
        ({"REWARD": "robsut"}, "REWARD=robsut: unknown reward 'robsut' (did you mean 'robust'?)"),
        ({"REWARD": "iou=1,frmat=0.5"}, "unknown reward 'frmat' (did you mean 'format'?)"),
        ({"REWARD": "iou=1,format"}, "cannot read 'format'; write 'iou=1,format=0.5'"),
        ({"REWARD": "accuracy_equal=1"}, "cannot score detection, only classification"),
        ({"REWARD": "none.yaml"}, "REWARD=none.yaml: "),
        ({"REWARD": "robsut\n"}, "REWARD=$'robsut\\n': "),
        ({"SHOTS": "3"}, "SHOTS=3 is unknown; choose one of: 1 2 4 8 16"),
        ({"SHOTS": "4\n8"}, "SHOTS=$'4\\n8' is unknown"),
        ({"SEED": "1\n2"}, "SEED=$'1\\n2' is not a whole number"),
        ({"SEED": "one"}, "SEED=one is not a whole number from 0"),
        ({"SEED": "1000000000"}, "SEED=1000000000 is not a whole number from 0 to 999999999"),
        ({"LORA": "-1"}, "LORA=-1 is not a whole number from 0"),
        ({"NEGATIVES": "1"}, "NEGATIVES=1 is not a share from 0 to below 1"),
        ({"NEGATIVES": "20"}, "NEGATIVES=20 is not a share from 0 to below 1"),
        ({"NGPUS": "0"}, "NGPUS=0 is not a whole number from 1"),
        ({"STAGES": "data,training"}, "there is no stage training; choose from data,train,export,eval,report"),
        ({"STAGES": "data,\ntrain"}, "STAGES: there is no stage $'\\ntrain'; choose from"),
        ({"NEGATIVES": "0.1\n"}, "NEGATIVES=$'0.1\\n' is not a share"),
        ({"SFT_TARGET": "reasoning", "THINK": "off"}, "SFT_TARGET=reasoning contradicts THINK=off"),
        ({"NNODES": "2"}, "NNODES=2 needs a Ray cluster"),
        ({"NNODES": "2", "METHOD": "sft"}, "METHOD=sft runs on one node"),
        ({}, "DATA_ROOT is not set"),
    ],
)
def test_a_wrong_variable_is_one_line_before_anything_starts(tmp_path, variables, message):
    done = call("coco_fewshot_2b", OUTPUT_DIR=str(tmp_path / "out"), **variables)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and message in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "variables", "message"),
    [
        (["shots=8"], {}, "shots=8 is a variable: write SHOTS=8 before bash recipes/coco_fewshot_2b.sh"),
        (["SHOTS=8"], {"METHOD": "base"}, "SHOTS=8 is a variable: write SHOTS=8 before"),
        (["a.b=1", "total nonsense"], {}, "total\\ nonsense is no veRL override, key=value"),
        (["nonsense"], {"METHOD": "sft"}, "nonsense is no veRL override"),
        (["=1"], {}, "=1 is no veRL override"),
        (["trainer.total_epochs=5"], {"METHOD": "base"}, "METHOD=base trains nothing, and takes no veRL override"),
    ],
)
def test_a_word_that_no_training_reads_is_refused(words, variables, message):
    done = call("coco_fewshot_2b", *words, DRY_RUN="1", **variables)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and message in done.stderr


def test_a_setting_that_is_taken_out_is_an_override():
    assert call("coco_fewshot_2b", "~trainer.logger", DRY_RUN="1", DEVICE="cpu").returncode == 0


@pytest.mark.parametrize(
    "value", ["a\nb\r\nc", "a\tb", "\x1b[31m\x01\x1f\x7f", 'a"b\\', "a b", "猫 é", "$(touch ran) `touch ran`", "a&b"]
)
def test_a_dry_run_prints_json_whatever_the_values_are(value):
    said = {"OUTPUT_DIR": "output_dir", "DATA_ROOT": "data_root"}
    given = {"DRY_RUN": "1", "DEVICE": "cuda", "NGPUS": "8"} | dict.fromkeys(said, value)
    done = call("coco_fewshot_2b", f"a={value}", **given)
    assert done.returncode == 0, done.stderr
    first, *stages = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(value in first["recipe"][key] for key in said.values())
    assert any(f"a={value}" in stage["command"] for stage in stages)
    assert not (ROOT / "ran").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SHOTS", "4 8"),
        ("METHOD", "rft sft"),
        ("ALGO", "paper dapo"),
        ("THINK", "on off"),
        ("SMOKE", "0 1"),
        ("TAU", "fixed curriculum"),
        ("DEVICE", ""),
        ("SEED", "a[$(touch ran)]"),
        ("NGPUS", "1\n2"),
        ("LORA", "a[$(touch ran)]"),
        ("SEED", "99999999999999999999"),
        ("NEGATIVES", "0.2 --rows 1"),
        ("OUTPUT_DIR", "a\udcff"),
    ],
)
def test_two_values_are_not_one_and_a_value_is_not_computed(variable, value):
    done = call("coco_fewshot_2b", **({"DRY_RUN": "1", "DEVICE": "cuda", "NGPUS": "8"} | {variable: value}))
    if value:
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.startswith("error: ")
    else:
        assert done.returncode == 0  # empty is as good as not given
    assert not (ROOT / "ran").exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [({"SHOTS": "4"}, "this experiment has no shots"), ({"TAU": "curriculum"}, "about the boxes of detection")],
)
def test_a_variable_that_does_not_concern_the_experiment_is_refused(variables, message):
    assert message in call("lisa_2b", DRY_RUN="1", **variables).stderr


def test_masks_are_refused_where_none_are_made():
    done = call("coco_fewshot_2b", DRY_RUN="1", SAM="facebook/sam-vit-base")
    assert done.returncode == 1 and "SAM=facebook/sam-vit-base makes masks of boxes" in done.stderr


def test_a_sam_of_the_users_makes_the_masks(tmp_path):
    (tmp_path / "my_sam").mkdir()
    for given, used in (("facebook/sam-vit-base", "facebook/sam-vit-base"), ("my_sam", str(tmp_path / "my_sam"))):
        done = call("lisa_2b", cwd=tmp_path, DRY_RUN="1", DEVICE="cuda", NGPUS="8", SAM=given)
        _, *stages = map(json.loads, done.stdout.splitlines())
        commands = [stage["command"] for stage in stages if "--sam" in stage["command"]]
        assert {command[command.index("--sam") + 1] for command in commands} == {used}


@pytest.mark.parametrize("recipe", RECIPES)
def test_help_names_every_variable_and_its_default(recipe):
    done = call(recipe, "--help")
    assert done.returncode == 0 and done.stderr == ""
    named = ["METHOD (rft)", "MODEL (Qwen/", "OUTPUT_DIR (", "SEED (0)", "REWARD (robust)", "ALGO (paper)", "LORA (0)"]
    named += ["THINK (on)", "TAU (fixed)", "NGPUS (", "NNODES (1)", "STAGES (data,", "SMOKE (0)", "data_prep/"]
    assert [name for name in named if name not in done.stdout] == []
    detection = recipe.split("_")[0] in ("coco", "lvis", "mg")
    assert ("NEGATIVES (0.1)" in done.stdout) == detection
    assert ("SHOTS (4)" in done.stdout) == (dry_run(recipe)[0]["shots"] is not None)
    assert ("SAM (facebook/sam-vit-huge)" in done.stdout) == recipe.startswith("lisa")


def test_every_variable_is_in_a_help_and_on_the_page_of_recipes():
    said = call("coco_fewshot_2b", "--help").stdout + call("lisa_2b", "--help").stdout
    page = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
    assert [name for name in VARIABLES if f"\n  {name} " not in said and f"{name}=FOLDER" not in said] == []
    assert [name for name in VARIABLES if f"`{name}`" not in page] == []


def test_published_maps_decide_what_is_asked_and_are_measured(tmp_path):
    for data_set in ("coco", "lvis"):
        (tmp_path / f"exist_map_{data_set}_Qwen2_vl_7B_baseline.json").write_text("{}")
    _, stages = dry_run("coco_ovd_7b", EXIST_MAPS=str(tmp_path))
    for folder, data_set in (("data", "coco"), ("data_lvis", "lvis")):
        chosen = str(tmp_path / f"exist_map_{data_set}_Qwen2_vl_7B_baseline.json")
        assert stages[folder][stages[folder].index("--val-pairs") + 1] == chosen
        assert "--val-negatives" not in stages[folder] and "--val-questions" not in stages[folder]
        assert stages[f"eval_rft_{data_set}"][stages[f"eval_rft_{data_set}"].index("--existence") + 1] == chosen


@pytest.mark.parametrize(
    ("recipe", "problem"),
    [("coco_ovd_2b", "no file .*exist_map_coco_Qwen2_vl_2B_baseline.json"), ("lisa_2b", "are of COCO and LVIS")],
)
def test_published_maps_that_do_not_fit_are_refused(tmp_path, recipe, problem):
    done = call(recipe, DRY_RUN="1", EXIST_MAPS=str(tmp_path))
    assert done.returncode == 1
    assert re.search(problem, done.stderr)
