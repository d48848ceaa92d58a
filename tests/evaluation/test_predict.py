# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict import _batches, _keep_whole_batches, _pixel_budgets, predict
from verl_visual_rft.evaluation.predictions import read_predictions
from verl_visual_rft.evaluation.vllm_engine import VISION_TOKENS, load_image


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (b"", 0),
        (b"1\n2\n", 2),
        (b"1\n2\n3\n", 2),
        (b"1\n2\n3\n4", 2),
        (b"1\n2\n3\n4\n", 4),
        # The last batch of five rows has one row only.
        (b"1\n2\n3\n4\n5\n", 5),
        (b"1\n2\n3\n4\n5", 4),
    ],
)
def test_what_a_kill_left_is_cut_behind_the_last_whole_batch(tmp_path, written, kept):
    partial = tmp_path / "partial"
    partial.write_bytes(written)
    assert _keep_whole_batches(partial, batch=2, total=5) == kept
    assert partial.read_bytes() == written[: 2 * kept]


def test_batches_after_a_resume_are_those_of_a_whole_run(prepared):
    def indexes(skip):
        return [
            [row["extra_info"]["index"] for row in rows] for rows in _batches(prepared / "val.parquet", 3, skip=skip)
        ]

    assert indexes(0) == [[0, 1, 2], [3]]
    assert indexes(3) == [[3]]
    assert indexes(4) == []


def test_pixel_budgets(prepared):
    assert _pixel_budgets(prepared / "val.parquet") == [{"min_pixels": 3136, "max_pixels": 50176}]


def test_missing_data(tmp_path):
    with pytest.raises(UserError, match="no such file; prepare"):
        predict(tmp_path, tmp_path / "val.parquet", tmp_path / "out.jsonl")


def test_parquet_of_something_else(tmp_path):
    pq.write_table(pa.table({"prompt": ["x"]}), tmp_path / "val.parquet")
    with pytest.raises(UserError, match="columns .*images.* are missing"):
        predict(tmp_path, tmp_path / "val.parquet", tmp_path / "out.jsonl")


def test_folder_without_a_model(prepared, tmp_path):
    with pytest.raises(UserError, match="no config.json"):
        predict(tmp_path, prepared / "val.parquet", tmp_path / "out" / "predictions.jsonl")
    assert not (tmp_path / "out").exists()


def _png(size):
    data = BytesIO()
    Image.new("RGB", size).save(data, format="PNG")
    return data.getvalue()


@pytest.mark.parametrize("size", [(112, 112), (200, 100), (640, 480), (30, 900)])
def test_picture_has_the_pixels_of_training(size):
    # The witness is the function that veRL resizes with.
    vision_utils = pytest.importorskip("verl.utils.dataset.vision_utils")
    images = [{"bytes": _png(size), "min_pixels": 3136, "max_pixels": 50176}]
    ours = load_image(images, "row 0")
    trained_on = vision_utils.process_image(dict(images[0]))
    assert ours.size == trained_on.size
    assert ours.tobytes() == trained_on.tobytes()


def test_broken_picture_names_the_row():
    pytest.importorskip("qwen_vl_utils")
    with pytest.raises(UserError, match=r"row 7 \(a.png\): the picture cannot be decoded"):
        load_image([{"bytes": _png((64, 64))[:60], "min_pixels": 3136, "max_pixels": 50176}], "row 7 (a.png)")


PREDICT = """
import os
import signal
import sys
from pathlib import Path

from verl_visual_rft.evaluation.predict import predict

save = os.fsync


def save_and_die(descriptor):
    save(descriptor)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    model, data, out = (Path(argument) for argument in sys.argv[1:4])
    if sys.argv[4] == "die":
        os.fsync = save_and_die
    print(predict(model, data, out, max_tokens=8, max_model_len=512, batch=3))
"""


@pytest.mark.slow
@pytest.mark.e2e
def test_real_engine_answers_every_row_and_goes_on_after_a_kill(prepared, tmp_path):
    pytest.importorskip("vllm")
    from verl_visual_rft.training.tiny_model import build_tiny_model

    model, out = tmp_path / "model", tmp_path / "run" / "predictions.jsonl"
    build_tiny_model(model)
    _make_it_want_vision_tokens(model)

    killed = _run(model, prepared / "val.parquet", out, "die")
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]
    (partial,) = out.parent.iterdir()
    assert len(partial.read_bytes().splitlines()) == 3

    resumed = _run(model, prepared / "val.parquet", out, "live")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert "predict: 3 of 4 answers are there from before" in resumed.stdout
    assert "predict: 4/4" in resumed.stdout
    assert "INFO" not in resumed.stdout, "vLLM's log is not on stdout"
    predictions = read_predictions(out)
    assert [prediction.index for prediction in predictions] == [0, 1, 2, 3]
    assert all(0 < prediction.response_tokens <= 8 for prediction in predictions)
    # Vision tokens are special: sampled, they would leave no text.
    assert all(len(prediction.response) == 8 for prediction in predictions)
    meta = json.loads((out.parent / "predictions.meta.json").read_text())
    assert (meta["n"], meta["resumed"], meta["sampling"]["temperature"]) == (4, 3, 0.0)
    assert set(meta["sampling"]["banned_tokens"]) == set(VISION_TOKENS)
    assert sorted(path.name for path in out.parent.iterdir()) == ["predictions.jsonl", "predictions.meta.json"]


def _make_it_want_vision_tokens(model: Path) -> None:
    """Leave two opposite rows in the (tied) output matrix, so that one of two vision tokens has the largest logit."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer

    weights = load_file(model / "model.safetensors")
    (name,) = [name for name in weights if name.endswith("embed_tokens.weight")]
    start, end = AutoTokenizer.from_pretrained(model).convert_tokens_to_ids(["<|vision_start|>", "<|vision_end|>"])
    row = torch.randn(weights[name].shape[1], generator=torch.Generator().manual_seed(0))
    weights[name].zero_()
    weights[name][start], weights[name][end] = row, -row
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})


def _run(model: Path, data: Path, out: Path, fate: str) -> subprocess.CompletedProcess[str]:
    script = model.parent / "predict_tiny.py"
    script.write_text(PREDICT)
    # A group of its own, so that the kill takes vLLM's own process along and nothing else.
    return subprocess.run(
        [sys.executable, str(script), str(model), str(data), str(out), fate],
        capture_output=True,
        text=True,
        timeout=300,
        start_new_session=True,
    )
