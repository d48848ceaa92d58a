# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Paths and values that users give to recipes: whatever characters they have, wherever the script was called."""

import json
import string
from pathlib import Path

import pytest
from commands import recipe

from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.runs.words import hydra_value

pytest.importorskip("verl")
ROOT = Path(__file__).parents[2]
PRINTABLE = [character for character in string.printable if character.isprintable()]
VALUES = [
    *(f"/a{character}b/{character}" for character in (*PRINTABLE, "é", "猫")),
    *("\\", "a\\", "\\'", "'\\", "''", "\\\\'\\\\", "a'b'c", "~/x", "null", "1e5", "[a,b]", "{a: b}", "", " a "),
]


def test_hydra_reads_every_value_as_it_was_given():
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    quoted = map(hydra_value, VALUES)
    parser = OverridesParser.create()
    read = [OmegaConf.create({"a": parser.parse_override(f"a={text}").value()}).a for text in quoted]
    assert read == VALUES


@pytest.mark.parametrize(("method", "train"), [("rft", "train"), ("sft", "sft_train")])
def test_a_recipe_hands_paths_of_any_characters_to_the_trainer(tmp_path, method, train):
    name = "".join(PRINTABLE).replace("/", "") + "é猫"
    model, output = tmp_path / f"model {name}", tmp_path / f"out {name}"
    model.mkdir()
    (model / "config.json").write_text('{"model_type": "qwen2_vl", "vision_config": {}}')
    dry = {"DRY_RUN": "1", "DEVICE": "cuda", "NGPUS": "8", "METHOD": method, "SHOTS": "1"}
    done = recipe("coco_fewshot_2b", MODEL=str(model), OUTPUT_DIR=str(output), **dry)
    assert done.returncode == 0, done.stderr
    stages = {line["stage"]: line["command"] for line in map(json.loads, done.stdout.splitlines()[1:])}
    config = compose(parse_command(stages[method]))
    assert config["data"]["train_files"] == [f"{output}/data/{train}.parquet"] * 2
    assert config["trainer"]["default_local_dir"] == f"{output}/{method}/checkpoints"
    policy = config["actor_rollout_ref"] if method == "rft" else config
    assert policy["model"]["path"] == str(model)


@pytest.mark.parametrize("variable", ["OUTPUT_DIR", "MODEL", "REWARD"])
def test_a_reference_in_a_name_is_refused(variable):
    done = recipe("coco_fewshot_2b", DRY_RUN="1", DEVICE="cuda", NGPUS="8", **{variable: "a${b}"})
    assert done.returncode == 1
    assert done.stderr == f"error: {variable}=a${{b}}: veRL takes ${{ for a reference; give it another name\n"


def test_relative_paths_are_seen_from_where_the_script_was_called(tmp_path):
    given = {name: f"here/{name}" for name in ("OUTPUT_DIR", "DATA_ROOT", "EXIST_MAPS", "MODEL")}
    (tmp_path / "here" / "EXIST_MAPS").mkdir(parents=True)
    (tmp_path / "here" / "EXIST_MAPS" / "exist_map_coco_Qwen2_vl_2B_baseline.json").write_text("{}")
    (tmp_path / "here" / "MODEL").mkdir()
    (tmp_path / "here" / "MODEL" / "config.json").write_text('{"model_type": "qwen2_vl", "vision_config": {}}')
    done = recipe("coco_fewshot_2b", cwd=tmp_path, DRY_RUN="1", DEVICE="cuda", NGPUS="8", **given)
    assert done.returncode == 0, done.stderr
    first, data = map(json.loads, done.stdout.splitlines()[:2])
    said = first["recipe"]
    assert [said["output_dir"], said["data_root"], said["model"]] == [
        str(tmp_path / "here" / name) for name in ("OUTPUT_DIR", "DATA_ROOT", "MODEL")
    ]
    pairs = data["command"][data["command"].index("--val-pairs") + 1]
    assert pairs.startswith(f"{tmp_path}/here/EXIST_MAPS/")


def test_the_default_folder_lies_in_the_repository(tmp_path):
    done = recipe("pets37_2b", cwd=tmp_path, DRY_RUN="1", DEVICE="cuda", NGPUS="8")
    assert json.loads(done.stdout.splitlines()[0])["recipe"]["output_dir"] == f"{ROOT}/outputs/pets37_2b_4shot"
