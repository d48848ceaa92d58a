# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Eight real COCO photographs go the whole way: annotation file, data preparation, 2 GRPO steps, export, AP.

The tiny model knows no photographs, so the AP is near 0; what counts is that real input meets no obstacle.
"""

import json
import sys

import pytest
from pipeline import run, train
from shared_inputs import shared

pytestmark = pytest.mark.e2e


def test_photographs_from_annotations_to_ap(tmp_path):
    photographs = shared("data/visual_rft")
    annotations, images = str(photographs / "instances_val2017_subset.json"), str(photographs / "images")
    data = tmp_path / "data"
    run(
        *[sys.executable, "data_prep/coco.py", "--out", str(data), "--rows", "8", "--skip-missing-images"],
        *["--train-annotations", annotations, "--train-images", images],
        *["--val-annotations", annotations, "--val-images", images],
        *["--base-categories", "coco-base65", "--novel-categories", "coco-novel15"],
    )
    log = train(
        tmp_path / "rft",
        data,
        *["data.max_prompt_length=1024", "actor_rollout_ref.rollout.max_model_len=1088"],
        *["data.max_response_length=64", "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4"],
        *["trainer.total_training_steps=2", "trainer.save_freq=2", "trainer.test_freq=-1"],
    )
    assert log.series("rollout/missing_sessions").values == (0.0, 0.0)
    assert log.series("prompt_length/mean").values[0] > 300  # pictures of the real size, about 400 visual tokens
    run(
        *[sys.executable, "-m", "verl.model_merger", "merge", "--backend", "fsdp"],
        *["--local_dir", str(tmp_path / "rft/checkpoints/global_step_2/actor"), "--target_dir", str(tmp_path / "hf")],
    )
    predictions, metrics = tmp_path / "predictions.jsonl", tmp_path / "metrics.json"
    run(
        *["visual-rft", "predict", "--model", str(tmp_path / "hf"), "--data", str(data / "val.parquet")],
        *["--out", str(predictions), "--max-tokens", "64", "--max-model-len", "1088", "--dtype", "float32"],
    )
    run("visual-rft", "eval", str(predictions), "--data", str(data), "--out", str(metrics))
    measured = json.loads(metrics.read_text())
    assert measured["n"] > 8
    assert 0 <= measured["map_all"] < 20
