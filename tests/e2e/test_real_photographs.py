# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Eight real COCO photographs go the whole way: annotation file, data preparation, 2 GRPO steps, export, AP.

The tiny model knows no photographs, so the AP is near 0; what counts is that real input meets no obstacle.
"""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pipeline import TINY_MODEL, run, train
from shared_inputs import shared

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared rows."""
    originals = shared("data/visual_rft")
    annotations, images = str(originals / "instances_val2017_subset.json"), str(originals / "images")
    folder = tmp_path_factory.mktemp("photographs")
    run(
        *[sys.executable, "data_prep/coco.py", "--out", str(folder), "--rows", "8", "--skip-missing-images"],
        *["--train-annotations", annotations, "--train-images", images],
        *["--val-annotations", annotations, "--val-images", images],
        *["--base-categories", "coco-base65", "--novel-categories", "coco-novel15"],
    )
    return folder


def test_true_boxes_as_answers_have_an_ap_of_100(photographs, tmp_path):
    rows = pq.read_table(photographs / "val.parquet").to_pylist()
    assert len(rows) > 8
    lines = []
    for row in rows:
        boxes = json.loads(row["reward_model"]["ground_truth"])["boxes"]
        answer = [{"Position": box, "Confidence": 1.0} for box in boxes] or "No Objects"
        response = f"<think> it is there </think> <answer>{answer}</answer>"
        asked = {
            key: row["extra_info"][key] for key in ("index", "image_id", "category", "category_id", "width", "height")
        }
        written = {"response": response, "response_tokens": None, "finish_reason": "stop"}
        lines.append(json.dumps(asked | written | {"ground_truth": row["reward_model"]["ground_truth"]}))
    predictions, metrics = tmp_path / "predictions.jsonl", tmp_path / "metrics.json"
    predictions.write_text("\n".join(lines) + "\n")
    run("visual-rft", "eval", str(predictions), "--data", str(photographs), "--out", str(metrics))
    measured = json.loads(metrics.read_text())
    assert measured["n"] == len(rows)
    assert measured["map_all"] == pytest.approx(100)


@pytest.mark.long
def test_photographs_from_annotations_to_ap(photographs, tmp_path):
    log = train(
        *[tmp_path, photographs, "data.max_prompt_length=1024", "actor_rollout_ref.rollout.max_model_len=1088"],
        *["data.max_response_length=64", "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4"],
        *["trainer.total_training_steps=2", "trainer.save_freq=2", "trainer.test_freq=-1"],
    )
    assert log.series("rollout/missing_sessions").values == (0.0, 0.0)
    assert log.series("prompt_length/mean").values[0] > 300  # pictures of the real size, about 400 visual tokens
    run(sys.executable, "-m", "verl_visual_rft.training.export", str(tmp_path), "--model", str(TINY_MODEL))
    predictions, metrics = tmp_path / "predictions.jsonl", tmp_path / "metrics.json"
    run(
        *["visual-rft", "predict", "--model", str(tmp_path / "hf"), "--data", str(photographs / "val.parquet")],
        *["--out", str(predictions), "--max-tokens", "64", "--max-model-len", "1088", "--dtype", "float32"],
    )
    run("visual-rft", "eval", str(predictions), "--data", str(photographs), "--out", str(metrics))
    measured = json.loads(metrics.read_text())
    assert measured["n"] > 8
    assert 0 <= measured["map_all"] < 20
