# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.planning.inputs import check_checkpoints, check_devices, check_prepared, check_weights
from verl_visual_rft.planning.models import load_model
from verl_visual_rft.planning.rows import check_rows

TINY = load_model(str(TINY_MODEL))


def write_manifest(folder, *, family="qwen2-vl", think=True, version="1", rows=32, longest=700, task="detection"):
    count = {"rows": rows, "most_prompt_tokens": longest}
    empty = ("sources", "skips", "conversions", "chosen", "files")
    content = {
        "task": task,
        "dataset": "coco",
        "package_version": "0",
        "prompt_version": version,
        "seed": 0,
        "shots": 4,
        "options": {"family": family, "think": think, "max_pixels": 401408},
        "counts": {"train": count, "val": count},
        **{key: {} for key in empty},
    }
    (folder / "manifest.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("prepared", "message"),
    [
        (
            {"family": "qwen2.5-vl"},
            "the data are prepared for qwen2.5-vl, and .* is of qwen2-vl; prepare them again: remove",
        ),
        (
            {"version": "0"},
            "the prompts are version 0, and this package asks version 1; prepare them again",
        ),
        ({"task": "segmentation"}, "unknown task 'segmentation': .* install the package that has it"),
        ({"think": False}, "prepared with THINK=off, and this run has THINK=on; prepare them again"),
    ],
)
def test_data_prepared_for_something_else_are_refused(prepared, message, tmp_path):
    write_manifest(tmp_path)
    check_prepared(tmp_path, TINY, think=True)
    write_manifest(tmp_path, **prepared)
    with pytest.raises(UserError, match=message):
        check_prepared(tmp_path, TINY, think=True)


def test_what_has_no_manifest_is_not_judged_and_either_prompt_will_do_for_who_does_not_say(tmp_path):
    check_prepared(tmp_path, TINY, think=True)
    write_manifest(tmp_path, think=False)
    check_prepared(tmp_path, TINY)


def test_weights_that_cannot_be_fetched_are_refused(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    name = "Qwen/Qwen2-VL-2B-Instruct"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    check_weights(name)  # veRL will fetch them
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    check_weights(str(TINY_MODEL))
    with pytest.raises(UserError, match=f"weights are not in the cache .*hf download {name}"):
        check_weights(name)
    kept = tmp_path / "models--Qwen--Qwen2-VL-2B-Instruct"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs/main").write_text("abc")
    (kept / "snapshots/abc").mkdir(parents=True)
    (kept / "snapshots/abc/config.json").touch()
    with pytest.raises(UserError, match="weights are not in the cache"):
        check_weights(name)
    (kept / "snapshots/abc/model.safetensors.index.json").touch()
    check_weights(name)


@pytest.fixture
def rows_of(tmp_path):
    """Return a function that writes a file of so many rows."""

    def write(number: int, name: str = "train") -> Path:
        pq.write_table(pa.table({"prompt": [None] * number}), tmp_path / f"{name}.parquet")
        return tmp_path / f"{name}.parquet"

    return write


@pytest.mark.parametrize(
    ("rows", "overrides", "message"),
    [
        (16, [], None),
        (8, [], "8 rows are less than one step of data.train_batch_size=16; prepare more"),
        (0, [], "0 rows are less than one step"),
        (8, ["data.train_files=[{0},{0}]"], None),
        (40, ["data.train_max_samples=2"], r"2 of 40 rows \(data.train_max_samples\) are less than one step"),
        (40, ["data.train_max_samples=16"], None),
        (8, ["data.train_batch_size=8"], None),
    ],
)
def test_too_few_rows_are_refused_whoever_wrote_them(rows, overrides, message, rows_of, grpo):
    file = rows_of(rows)
    settings = grpo(f"data.train_files={file}", "data.val_files=[]", *(text.format(file) for text in overrides))
    if message is None:
        check_rows(settings)
    else:
        with pytest.raises(UserError, match=message):
            check_rows(settings)


def test_validation_data_without_rows_are_refused_and_other_formats_not_counted(rows_of, grpo, tmp_path):
    train = rows_of(16)
    with pytest.raises(UserError, match="val.parquet: it has no rows to validate on; data.val_files=null trains"):
        check_rows(grpo(f"data.train_files={train}", f"data.val_files={rows_of(0, 'val')}"))
    with pytest.raises(UserError, match="no_such.parquet: no such file"):
        check_rows(grpo(f"data.train_files={train}", f"data.val_files={tmp_path}/no_such.parquet"))
    check_rows(grpo(f"data.train_files={tmp_path}/a.json", f"data.val_files={tmp_path}/b.jsonl"))


def test_too_long_prompts_are_refused(tmp_path, rows_of, grpo):
    settings = grpo(f"data.train_files={rows_of(16)}", "data.val_files=[]")
    write_manifest(tmp_path, longest=1100)
    with pytest.raises(UserError, match="longest prompt has 1100 tokens, more than data.max_prompt_length=1024"):
        check_rows(settings)


@pytest.mark.parametrize("prepared", [True, False])
def test_prompts_that_nobody_has_counted_are_counted_before_training(prepared, tmp_path, grpo):
    prompts = [[{"role": "user", "content": f"<image>{'word ' * n}"}] for n in (9, 500, 3)]
    rows = [{"prompt": prompt, "extra_info": {"image_tokens": 391}} for prompt in prompts]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    if prepared:
        write_manifest(tmp_path, longest=None)
    settings = grpo(
        *[f"data.train_files={tmp_path}/train.parquet", "data.val_files=[]", "data.train_batch_size=2"],
        f"actor_rollout_ref.model.path={TINY_MODEL}",
    )
    with pytest.raises(UserError, match=r"train.parquet, row 1: the longest prompt has (\d+) tokens") as caught:
        check_rows(settings)
    longest = int(re.search(r"has (\d+) tokens", str(caught.value)).group(1))
    check_rows(replace(settings, prompt_tokens=longest))
    with pytest.raises(UserError, match="the longest prompt"):
        check_rows(replace(settings, prompt_tokens=longest - 1))


def test_other_peoples_rows_without_lengths_are_not_judged(tmp_path, grpo):
    pq.write_table(
        pa.Table.from_pylist([{"prompt": [{"role": "user", "content": "x" * 9999}]}]), tmp_path / "a.parquet"
    )
    check_rows(
        grpo(
            *[f"data.train_files={tmp_path}/a.parquet", "data.val_files=[]", "data.train_batch_size=1"],
            f"actor_rollout_ref.model.path={TINY_MODEL}",
        )
    )


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint as veRL writes it, without its tensors."""
    actor = tmp_path / "global_step_10/actor"
    (actor / "huggingface").mkdir(parents=True)
    shutil.copy(TINY_MODEL / "config.json", actor / "huggingface")
    (actor / "fsdp_config.json").write_text('{"FSDP_version": 2, "world_size": 8}')
    with ZipFile(tmp_path / "global_step_10/data.pt", "w"):
        return actor


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("text_config", "hidden_size", 64, "width 64, not 128"),
        ("text_config", "num_hidden_layers", 2, "layers 2, not 4"),
        ("text_config", "vocab_size", 300, "vocabulary 300, not 304"),
        ("vision_config", "depth", 1, "vision layers 1, not 3"),
    ],
)
def test_a_checkpoint_of_another_shape_is_refused(section, key, value, message, checkpoint, tmp_path, grpo):
    settings = grpo(f"trainer.default_local_dir={tmp_path}")
    check_checkpoints(settings, TINY)
    config = json.loads((TINY_MODEL / "config.json").read_text())
    config[section][key] = value
    (checkpoint / "huggingface/config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=f"this checkpoint is no .*: .*{message}.*; set OUTPUT_DIR to another folder"):
        check_checkpoints(settings, TINY)


def test_a_checkpoint_of_other_ranks_or_another_kind_of_training_is_refused(checkpoint, tmp_path, grpo):
    settings = grpo(f"trainer.default_local_dir={tmp_path}")
    with pytest.raises(
        UserError, match="written by 8 ranks, which alone can read it, and this run has 4; give as many"
    ):
        check_checkpoints(replace(settings, ranks_per_node=4), TINY)
    with pytest.raises(UserError, match="holds all weights, and this run has LORA=8"):
        check_checkpoints(replace(settings, engine=replace(settings.engine, lora_rank=8)), TINY)
    (checkpoint / "lora_train_meta.json").write_text("{}")
    with pytest.raises(UserError, match="holds an adapter, and this run has LORA=0"):
        check_checkpoints(settings, TINY)


def test_an_unfinished_checkpoint_is_none(checkpoint, tmp_path, grpo):
    settings = replace(grpo(f"trainer.default_local_dir={tmp_path}"), ranks_per_node=4)
    (checkpoint.parent / "data.pt").unlink()
    check_checkpoints(settings, TINY)


def test_more_gpus_than_there_are_are_refused(two_gpus, monkeypatch):
    check_devices("cuda", 2)
    with pytest.raises(UserError, match="NGPUS=8, but 2 GPUs are visible here; set NGPUS=2"):
        check_devices("cuda", 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with pytest.raises(UserError, match="NGPUS=2, but 1 GPU is visible here; set NGPUS=1"):
        check_devices("cuda", 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(UserError, match="no GPU is visible here .* set DEVICE=cpu"):
        check_devices("cuda", 1)


def test_a_cluster_is_left_to_ray(two_gpus, monkeypatch):
    check_devices("cuda", 8, nodes=2)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    check_devices("cuda", 8)


def test_a_rank_on_the_cpu_needs_a_core(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    cores = len(os.sched_getaffinity(0))
    check_devices("cpu", cores)
    with pytest.raises(UserError, match=f"NGPUS={cores + 1}: .* there are {cores}; set NGPUS={cores}"):
        check_devices("cpu", cores + 1)
