# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared detection data of the tiny COCO of tests/datasets, and what its rows say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from verl_visual_rft.datasets.coco_layout import find_layout
from verl_visual_rft.datasets.detection import Selection, prepare_detection
from verl_visual_rft.datasets.prepare import PrepareOptions

SELECTION = Selection(base_categories=("cat", "hot dog"), novel_categories=("bus",))
OPTIONS = PrepareOptions(shots=2)


def prepare(coco: Any, out: Path, **changes: Any) -> None:
    """Prepare the tiny data set; each change is one of the selection or of the options."""
    chosen = {key: value for key, value in changes.items() if hasattr(SELECTION, key)}
    options = {key: value for key, value in changes.items() if key not in chosen}
    prepare_detection(find_layout(coco.root), replace(SELECTION, **chosen), replace(OPTIONS, **options), out)


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def asked(path: Path) -> list[tuple[int, str, list[list[int]]]]:
    """Image id, category and true boxes of each row."""
    return [
        (
            int(row["extra_info"]["image_id"]),
            row["extra_info"]["category"],
            json.loads(row["reward_model"]["ground_truth"])["boxes"],
        )
        for row in rows_of(path)
    ]
