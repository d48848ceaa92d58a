# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of all tests, and a prepared folder of three small pictures with predictions on it."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from PIL import Image
from shared_inputs import reviewed

from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.rewards import registry
from verl_visual_rft.tasks import reading, sample
from verl_visual_rft.tasks import registry as tasks
from verl_visual_rft.training.run_mark import PLUGIN_MARK

# veRL, imported by tests and what they start, is to be as in a training of this package.
os.environ[PLUGIN_MARK] = "1"

# An example that takes long on a busy machine is no failure; speed is measured in benchmarks/.
settings.register_profile("change", deadline=None)
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile("change")


def pytest_configure():
    """Before any test module takes `compose` from Hydra."""
    if find_spec("hydra"):
        import compositions
        import hydra

        hydra.compose = compositions.compose
        compositions.OmegaConf.load = compositions.load


def pytest_collection():
    """Imports make much that stays: a collector that looks at all of it again and again takes a quarter of the time."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Files with slow tests first: started last, one of them is all that goes on in the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish():
    gc.enable()
    gc.freeze()


def pytest_unconfigure():
    gc.unfreeze()


@pytest.fixture
def fresh_registry():
    """For tests that lay packages on the path: rewards and tasks are looked for once a process."""
    cached = (
        *(registry._discover, registry._load, registry._compose, registry.component_names),
        *(tasks._discover, tasks.load_task, reading._read_text, sample._parse),
    )
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose nvidia-smi, which is returned, lists two GPUs."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\n[ "$1" = -L ] && printf "GPU 0: NVIDIA A100 (UUID: a)\\nGPU 1: NVIDIA A100 (UUID: b)\\n"\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tool


SIZE = (200, 100)
CATEGORIES = {"red square": 1, "blue disc": 2, "red disc": 3}
# Picture 1 shows a square and a disc; picture 2 a red disc; picture 3 nothing that is asked for.
TRUTH = [(1, "red square", [20, 10, 60, 30]), (1, "blue disc", [100, 50, 40, 40]), (2, "red disc", [50, 20, 100, 50])]
QUESTIONS = [(1, "red square"), (1, "blue disc"), (2, "red disc"), (3, "red square")]


def _ground_truth(image_id: int, category: str) -> str:
    boxes = [
        [x * 5, y * 10, (x + w) * 5, (y + h) * 10]
        for owner, name, (x, y, w, h) in TRUTH
        if (owner, name) == (image_id, category)
    ]
    return json.dumps({"boxes": boxes})


def _row(index: int, image_id: int, category: str) -> dict:
    picture = BytesIO()
    Image.new("RGB", SIZE, (40 * image_id, 90, 120)).save(picture, format="PNG")
    return {
        "data_source": "shapes",
        "prompt": [{"role": "user", "content": f"<image>Detect all objects belonging to the category '{category}'."}],
        "images": [{"bytes": picture.getvalue(), "min_pixels": 3136, "max_pixels": 50176}],
        "ability": "detection",
        "reward_model": {"style": "rule", "ground_truth": _ground_truth(image_id, category)},
        "extra_info": {
            "index": index,
            "split": "val",
            "image_id": str(image_id),
            "file_name": f"{image_id}.png",
            "width": SIZE[0],
            "height": SIZE[1],
            "category": category,
            "category_id": CATEGORIES[category],
            "prompt_tokens": None,
        },
    }


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A prepared folder: val.parquet, val_annotations.json, manifest.json."""
    folder = tmp_path / "prepared"
    folder.mkdir()
    rows = [_row(index, image_id, category) for index, (image_id, category) in enumerate(QUESTIONS)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "val.parquet")
    annotations = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": SIZE[0], "height": SIZE[1]} for i in (1, 2, 3)],
        "annotations": [
            {
                "id": i,
                "image_id": owner,
                "category_id": CATEGORIES[name],
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            for i, (owner, name, box) in enumerate(TRUTH, start=1)
        ],
        "categories": [{"id": i, "name": name} for name, i in CATEGORIES.items()],
    }
    (folder / "val_annotations.json").write_text(json.dumps(annotations))
    groups = {"base": ["red square", "blue disc"], "novel": ["red disc"]}
    (folder / "manifest.json").write_text(json.dumps({"dataset": "shapes", "categories": groups}))
    return folder


@pytest.fixture
def write_predictions(tmp_path: Path) -> Callable[..., Path]:
    """Write a predictions file that answers the questions of ``prepared`` in order."""

    def write(responses: list[str], name: str = "predictions.jsonl") -> Path:
        path = tmp_path / name
        predictions = [
            Prediction(
                index=index,
                image_id=str(image_id),
                category=category,
                category_id=CATEGORIES[category],
                width=SIZE[0],
                height=SIZE[1],
                ground_truth=_ground_truth(image_id, category),
                response=response,
                response_tokens=len(response),
                finish_reason="stop",
            )
            for index, ((image_id, category), response) in enumerate(zip(QUESTIONS, responses, strict=True))
        ]
        path.write_text("".join(prediction.to_line() for prediction in predictions))
        return path

    return write


NO_OBJECTS = "<think> I look. </think> <answer>No Objects</answer>"


def _answer(*boxes: tuple[list[int], float | None]) -> str:
    items = [
        {"Position": box} if confidence is None else {"Position": box, "Confidence": confidence}
        for box, confidence in boxes
    ]
    return f"<think> I look. </think> <answer>{items}</answer>"


@pytest.fixture
def answer() -> Callable[..., str]:
    """A response in the paper's format with boxes ``(corners, confidence or None)``."""
    return _answer


@pytest.fixture
def perfect() -> list[str]:
    """The right answer to each question of ``prepared``."""
    return [
        _answer(([100, 100, 400, 400], 0.9)),
        _answer(([500, 500, 700, 900], 0.9)),
        _answer(([250, 200, 750, 700], 0.9)),
        NO_OBJECTS,
    ]


@pytest.fixture(scope="session")
def real_responses() -> list[dict[str, Any]]:
    """340 responses of real models to all three tasks, with notes and, for some, the rewards that were logged."""
    rows: list[dict[str, Any]] = json.loads(
        reviewed("cases/real_responses.json", "ce7b0f160d4fa0abd25c0b801349b59a75fa9ba72029a417fc7d992a1543d066")
    )
    return rows
