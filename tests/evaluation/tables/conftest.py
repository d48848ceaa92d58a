# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of recipes' runs, with no more in them than tables read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a run: method, or method/set, to its metrics; a set is named after its split.

    ``manifest`` is that of its data; ``dataset`` is what was asked about.
    """

    def write(name: str, metrics: dict[str, dict], manifest: dict | None = None, dataset: str = "coco") -> Path:
        run = tmp_path / name
        for place, content in metrics.items():
            folder = run / "eval" / place
            folder.mkdir(parents=True)
            split = place.split("/")[1] if "/" in place else "val"
            data = {"dataset": dataset, "split": split, "parquet": f"../../../data/{split}.parquet"}
            (folder / "metrics.json").write_text(json.dumps({"data": data} | content))
        if manifest is not None:
            (run / "data").mkdir()
            (run / "data" / "manifest.json").write_text(json.dumps(manifest))
        return run

    return write


@pytest.fixture
def detection() -> Callable[..., dict]:
    """Metrics of detection with these means."""

    def build(novel: float | None, base: float, everything: float) -> dict:
        means = {"novel": novel, "base": base, "all": everything}
        return {"task": "detection", "groups": {name: {"ap": ap} for name, ap in means.items()}}

    return build
