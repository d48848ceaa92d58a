# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets prepared by ``visual-rft data prepare`` in this process, and what lies in the folders that it wrote."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from commands import Done, visual_rft


def prepare(name: str, *arguments: object) -> Done:
    """Call ``visual-rft data prepare``."""
    return visual_rft("data", "prepare", name, *arguments)


def prepared(name: str, *arguments: object) -> str:
    """Call it, require that it succeeds, and return what it printed."""
    done = prepare(name, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def truths_of(path: Path) -> list[Any]:
    return [json.loads(row["reward_model"]["ground_truth"]) for row in rows_of(path)]


def categories_of(path: Path) -> Counter[str]:
    return Counter(row["extra_info"]["category"] for row in rows_of(path))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
