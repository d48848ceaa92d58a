# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Done, visual_rft
from PIL import Image


def predict(*arguments: object) -> Done:
    return visual_rft("predict", *arguments)


@pytest.fixture
def data(tmp_path):
    picture = BytesIO()
    Image.new("RGB", (90, 60)).save(picture, format="PNG")
    extra = {"image_id": "4", "file_name": "4.png", "width": 90, "height": 60, "category_id": 1}
    rows = [
        {
            "prompt": [{"role": "user", "content": f"<image>{category}?"}],
            "images": [{"bytes": picture.getvalue(), "min_pixels": 3136, "max_pixels": 50176}],
            "ability": "detection",
            "reward_model": {"style": "rule", "ground_truth": json.dumps({"boxes": boxes})},
            "extra_info": extra | {"index": index, "category": category},
        }
        for index, (category, boxes) in enumerate([("cat", [[1, 2, 3, 4]]), ("dog", [])])
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "val.parquet")
    return tmp_path / "val.parquet"


def test_replay_behind_an_existence_map_in_a_process_of_its_own(data, tmp_path):
    saved = tmp_path / "saved.jsonl"
    saved.write_text('{"image_id": 4, "category": "cat", "response": "here"}\n')
    (tmp_path / "map.json").write_text('{"4": ["cat"]}')
    arguments = ["--engine", "replay", "--responses", saved, "--data", data, "--out", tmp_path / "out.jsonl"]
    command = ["visual-rft", "predict", *map(str, arguments), "--existence", str(tmp_path / "map.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "1 of 2 questions are asked; precision 1.000, recall 1.000" in done.stdout
    (line,) = (tmp_path / "out.jsonl").read_text().splitlines()
    assert (json.loads(line)["category"], json.loads(line)["response"]) == ("cat", "here")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "replay"], "--engine replay needs --responses FILE"),
        (["--engine", "openai", "--model", "m"], "--engine openai needs --url URL"),
        (["--engine", "openai", "--url", "http://127.0.0.1:9/v1"], "--engine openai needs --model NAME"),
        ([], "--engine vllm needs --model FOLDER"),
        (["--model", "no/such"], "no/such: no config.json"),
        (["--engine", "replay", "--responses", "no/such"], "cannot read the responses no/such"),
    ],
)
def test_a_mistake_gets_one_line_and_status_2(data, tmp_path, arguments, message):
    done = predict(*arguments, "--data", data, "--out", tmp_path / "out.jsonl")
    assert done.returncode == 2
    assert done.stderr.startswith("visual-rft: error: ") and message in done.stderr
    assert "Traceback" not in done.stderr
