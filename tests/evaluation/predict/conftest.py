# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

CATEGORIES = {"cat": 17, "hot dog": 58, "toaster": 80}
SIZE = (90, 60)


def _row(index: int, image_id: int, category: str) -> dict:
    picture = BytesIO()
    Image.effect_noise(SIZE, 40 + image_id).convert("RGB").save(picture, format="JPEG")
    boxes = [[10, 10, 500, 600]] if (image_id + CATEGORIES[category]) % 2 else []
    return {
        "data_source": "noise",
        "prompt": [{"role": "user", "content": f"<image>Detect all objects belonging to the category '{category}'."}],
        "images": [{"bytes": picture.getvalue(), "min_pixels": 3136, "max_pixels": 50176}],
        "ability": "detection",
        "reward_model": {"style": "rule", "ground_truth": json.dumps({"boxes": boxes})},
        "extra_info": {
            "index": index,
            "split": "val",
            "image_id": str(image_id),
            "file_name": f"{image_id}.jpg",
            "width": SIZE[0],
            "height": SIZE[1],
            "category": category,
            "category_id": CATEGORIES[category],
            "model_family": "qwen2-vl",
        },
    }


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[[int], Path]:
    """Write an evaluation parquet of three questions about each of some pictures."""

    def write(pictures: int) -> Path:
        pairs = [(image_id, category) for image_id in range(1, pictures + 1) for category in CATEGORIES]
        rows = [_row(index, image_id, category) for index, (image_id, category) in enumerate(pairs)]
        path = tmp_path / "val.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=7)
        return path

    return write


@pytest.fixture
def responses(tmp_path: Path) -> Callable[[Path], Path]:
    """Write a response to every question of a parquet, as another run's predictions would hold them."""

    def write(data: Path) -> Path:
        path = tmp_path / "responses.jsonl"
        lines = [
            {"image_id": extra["image_id"], "category": extra["category"], "response": f"résumé {extra['index']}"}
            for extra in pq.read_table(data, columns=["extra_info"])["extra_info"].to_pylist()
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in reversed(lines)))
        return path

    return write
