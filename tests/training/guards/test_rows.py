# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import json
import math

import pytest

torch = pytest.importorskip("torch")
transfer_queue = pytest.importorskip("transfer_queue")

from transformers import AutoTokenizer  # noqa: E402

from verl_visual_rft.launching.launch import RUN_MARK  # noqa: E402
from verl_visual_rft.miniature.pretraining import TINY_MODEL  # noqa: E402
from verl_visual_rft.training.guards.rows import StoppedRows, row_name, run_folder  # noqa: E402


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(TINY_MODEL)


def test_a_saved_row_has_what_the_search_for_the_cause_begins_with(tmp_path, monkeypatch, tokenizer):
    stored = {
        "data_source": "coco",
        "extra_info": {"split": "train", "index": 7},
        "reward_model": {"ground_truth": '{"boxes": []}'},
        "prompts": torch.tensor(tokenizer("Where is it?<|image_pad|><|image_pad|>")["input_ids"]),
        "responses": torch.tensor(tokenizer("No Objects<|im_end|>")["input_ids"]),
        "extra_fields": {"reward_extra_info": {"score": math.nan, "iou": 0.5}},
        "rm_scores": torch.tensor([0.0, math.nan]),
    }
    asked = {}

    def kv_batch_get(keys, partition_id, select_fields):
        asked.update(keys=keys, partition_id=partition_id)
        return {name: [stored[name]] for name in select_fields if name in stored}

    monkeypatch.setattr(transfer_queue, "kv_batch_get", kv_batch_get)
    path = StoppedRows(tmp_path, tokenizer).save("its reward is nan", 3, ["u0_1_0"], "train")
    assert asked == {"keys": ["u0_1_0"], "partition_id": "train"}
    assert path == tmp_path / "stopped_rows.step_3.json"
    assert json.loads(path.read_text()) == {
        "why": "its reward is nan",
        "step": 3,
        "rows": [
            {
                "row": "row of coco (split train, index 7)",
                "response_key": "u0_1_0",
                "prompt": "Where is it?",
                "response": "No Objects",
                "score": "nan",
                "reward": {"score": "nan", "iou": 0.5},
                "ground_truth": '{"boxes": []}',
            }
        ],
    }


def test_without_rows_there_is_the_reason(tmp_path, tokenizer):
    path = StoppedRows(tmp_path, tokenizer).save("why", 1, [], "train")
    assert json.loads(path.read_text())["rows"] == []


def test_the_folder_is_the_launchers(monkeypatch, tmp_path):
    monkeypatch.delenv(RUN_MARK, raising=False)
    assert str(run_folder("checkpoints")) == "checkpoints"
    monkeypatch.setenv(RUN_MARK, str(tmp_path))
    assert run_folder("checkpoints") == tmp_path


def test_a_row_without_extra_info_has_a_name():
    assert row_name({"data_source": "x", "extra_info": None}) == "row of x"
