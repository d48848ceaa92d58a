# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What recipes' runs measured: every ``eval/METHOD/**/metrics.json`` with the data set and split that it is about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.manifest import MANIFEST_NAME
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.tables.paper import METHODS


@dataclass(frozen=True)
class Measurement:
    """One metrics file.

    Attributes:
        path: The file, for messages.
        method: ``base``, ``sft`` or ``rft``, from its folder.
        metrics: Its content.
        dataset: Of the run's manifest; empty where it has none.
        split: Stem of the parquet that was predicted; empty where predictions.meta.json does not say.
        shots: Of the run's manifest.
    """

    path: Path
    method: str
    metrics: dict[str, Any]
    dataset: str
    split: str
    shots: int | None


def read_measurements(runs: Sequence[Path]) -> list[Measurement]:
    """Read the metrics of runs, in the order of the runs, base first.

    Args:
        runs: Folders with ``data/manifest.json`` and ``eval/METHOD/metrics.json``; where a run evaluates several
            splits, ``eval/METHOD/SPLIT/metrics.json``.

    Raises:
        UserError: A run has no metrics, or a file is not JSON.
    """
    measurements = []
    for run in runs:
        manifest = _read_json(run / "data" / MANIFEST_NAME) if (run / "data" / MANIFEST_NAME).exists() else {}
        files = [(m, file) for m in METHODS for file in sorted((run / "eval" / m).rglob("metrics.json"))]
        if not files:
            raise UserError(f"{run}: nothing evaluated (no eval/METHOD/metrics.json); run the recipe first")
        measurements += [
            Measurement(
                file, method, _read_json(file), manifest.get("dataset", ""), _split(file.parent), manifest.get("shots")
            )
            for method, file in files
        ]
    return measurements


def _split(folder: Path) -> str:
    meta = folder / "predictions.meta.json"
    return Path(_read_json(meta).get("data", "")).stem if meta.exists() else ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); run the stage that writes it again") from error
    if not isinstance(record, dict):
        raise UserError(f"{path}: a JSON object is expected; run the stage that writes it again")
    return record
