# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A prepared folder of three small pictures and predictions on it, in the layout that data prep and predict write."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from verl_visual_rft.evaluation.predictions import Prediction

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
