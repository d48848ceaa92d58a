# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from verl_visual_rft.evaluation.predictions import read_predictions
from verl_visual_rft.vision_tokens import VISION_TOKENS

PREDICT = """
import os
import signal
import sys
from pathlib import Path

from verl_visual_rft.evaluation.predict import predict
from verl_visual_rft.evaluation.predict.engines.vllm_offline import VllmSettings

save = os.fsync


def save_and_die(descriptor):
    save(descriptor)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    model, data, out = (Path(argument) for argument in sys.argv[1:4])
    if sys.argv[4] == "die":
        os.fsync = save_and_die
    print(predict(VllmSettings(model, max_tokens=8, max_model_len=512, batch=3), data, out))
"""


@pytest.mark.long
def test_real_engine_answers_every_row_and_goes_on_after_a_kill(prepared, tmp_path):
    pytest.importorskip("vllm")
    from verl_visual_rft.miniature.tiny_model import build_tiny_model

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
    assert (meta["engine"]["model"], meta["engine"]["dtype"]) == (str(model), "float32")
    assert set(meta["sampling"]["banned_tokens"]) == set(VISION_TOKENS)
    assert sorted(path.name for path in out.parent.iterdir()) == ["predictions.jsonl", "predictions.meta.json"]

    whole = _run(model, prepared / "val.parquet", tmp_path / "whole.jsonl", "live")
    assert whole.returncode == 0, whole.stderr[-3000:]
    assert (tmp_path / "whole.jsonl").read_bytes() == out.read_bytes()


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
