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
    """Write a run: method, or method/split, to its metrics; ``manifest`` is that of its data."""

    def write(name: str, metrics: dict[str, dict], manifest: dict | None = None) -> Path:
        run = tmp_path / name
        for place, content in metrics.items():
            folder = run / "eval" / place
            folder.mkdir(parents=True)
            (folder / "metrics.json").write_text(json.dumps(content))
            if "/" in place:
                meta = {"data": f"data/{place.split('/')[1]}.parquet"}
                (folder / "predictions.meta.json").write_text(json.dumps(meta))
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
