# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rows without fault, of each task, that tests change one thing of and write to parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

Row = dict[str, Any]
TRUTHS = {
    "detection": {"boxes": [[100, 200, 300, 400]]},
    "classification": {"label": "pug", "labels": ["beagle", "pug"]},
    "grounding": {"box": [100, 200, 300, 400]},
}
SOLUTIONS = {
    "detection": "<answer>[{'Position': [100, 200, 300, 400], 'Confidence': 1.00}]</answer>",
    "classification": "<answer>pug</answer>",
    "grounding": "<answer>(100,200),(300,400)</answer>",
}


def encode(colour: int, size: tuple[int, int] = (100, 50), format: str = "PNG", **options: Any) -> bytes:
    """A plain picture."""
    data = io.BytesIO()
    Image.new("RGB", size, (colour % 256, colour // 256, 80)).save(data, format=format, **options)
    return data.getvalue()


def make_row(task: str = "detection", index: int = 0, **changes: Any) -> Row:
    """A row without fault; ``changes`` replace columns, ``extra_info`` field by field."""
    extra_info = {
        "index": index,
        "split": "train",
        "width": 100,
        "height": 50,
        "image_tokens": 8,
        "prompt_tokens": 100,
        "category": "the one that barks" if task == "grounding" else "pug",
        "model_family": "qwen2-vl",
        "reward": None,
    }
    return {
        "data_source": "tiny",
        "prompt": [{"role": "user", "content": "<image>Where?"}],
        "images": [{"bytes": encode(index), "min_pixels": 3136, "max_pixels": 401408}],
        "ability": task,
        "reward_model": {"style": "rule", "ground_truth": json.dumps(TRUTHS[task])},
        **changes,
        "extra_info": extra_info | changes.get("extra_info", {}),
    }


def with_answer(row: Row, answer: str) -> Row:
    """The row for supervised fine-tuning."""
    return {**row, "messages": [*row["prompt"], {"role": "assistant", "content": answer}]}


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """Write rows to a parquet file below the test's folder and return its path."""

    def write(rows: list[Row], name: str = "train.parquet", row_group_size: int = 3) -> Path:
        path = tmp_path / name
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=row_group_size)
        return path

    return write


@pytest.fixture
def tiny() -> Any:
    """The functions above, for tests that are not imported by name."""
    from types import SimpleNamespace

    return SimpleNamespace(row=make_row, encode=encode, with_answer=with_answer, solutions=SOLUTIONS, truths=TRUTHS)
