# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the contestants without veRL share: the rows as conversations, and the reward."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import instrument  # noqa: F401  before the reward and the image processor are imported
import pyarrow.parquet as pq
from PIL import Image
from workload import Workload

from verl_visual_rft.rewards import score


@dataclass(frozen=True)
class Task:
    """What contestants.py wrote for this turn."""

    rows: list[dict[str, Any]]
    model: str
    steps: int
    workload: Workload


def read_task() -> Task:
    """Read the file that the command line names; rows become a conversation, a picture and a ground truth."""
    setting = json.loads(Path(sys.argv[1]).read_text())
    rows = [
        {
            "prompt": [{"role": "user", "content": row["prompt"][0]["content"].removeprefix("<image>")}],
            "image": Image.open(io.BytesIO(row["images"][0]["bytes"])).convert("RGB"),
            "ground_truth": row["reward_model"]["ground_truth"],
        }
        for row in pq.read_table(setting["rows"]).to_pylist()
    ]
    return Task(rows, setting["model"], setting["steps"], Workload(**setting["workload"]))


def detection_score(response: str, ground_truth: str) -> float:
    """The reward that all contestants get."""
    return score("detection", response, ground_truth, reward="robust")["score"]
