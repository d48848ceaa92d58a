# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What recipes' runs measured.

A run leaves ``data/manifest.json`` (of the data that it was trained on) and, for each method (base, sft, rft),
``eval/METHOD/{predictions.jsonl,metrics.json}``; where it has several evaluation sets, ``eval/METHOD/SET/`` with the
same files, SET being any name. ``eval/METHOD/run.json``, where it exists, says what the method's settings were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.manifest import MANIFEST_NAME
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.tables.paper import METHODS
from verl_visual_rft.input_files import read_json_object


@dataclass(frozen=True)
class Measurement:
    """The metrics of one predictions file.

    Attributes:
        path: The metrics file.
        run: Name of the run, for messages.
        method: ``base``, ``sft`` or ``rft``, from its folder.
        evaluation_set: Its folder below the method's; empty where the run has one set only.
        metrics: As `evaluate` writes them.
        shots: Of the run's manifest.
        seed: Of the run's ``run.json``, or of its manifest.
        several: Whether the file holds several runs, as ``visual-rft eval`` of several predictions files writes it.
        settings: The method's name with its settings, as the run's ``run.json`` has it; empty without that.
    """

    path: Path
    run: str
    method: str
    evaluation_set: str
    metrics: dict[str, Any]
    shots: int | None = None
    seed: int | None = None
    several: bool = False
    settings: str = ""

    @property
    def label(self) -> str:
        """What the method is called in tables."""
        return self.settings or METHODS[self.method]

    @property
    def dataset(self) -> str:
        """Name of the data set that was asked about; empty where the file does not say."""
        return str(self.metrics.get("data", {}).get("dataset", ""))

    @property
    def split(self) -> str:
        """Its split; empty where the file does not say."""
        return str(self.metrics.get("data", {}).get("split", ""))

    @property
    def parquet(self) -> Path:
        """The questions.

        Raises:
            UserError: The file does not say.
        """
        try:
            return self.path.parent / str(self.metrics["data"]["parquet"])
        except KeyError:
            raise UserError(f"{self.path}: no key 'data' with a 'parquet'; run `visual-rft eval` again") from None


def read_measurements(runs: Sequence[Path]) -> list[Measurement]:
    """Read the metrics of runs, in the order of the runs, base first, sets by name.

    A metrics file of several predictions files gives a measurement for each.

    Args:
        runs: Folders in the layout above.

    Raises:
        UserError: A run has no metrics, has them both with and without a set, or a file is not what `evaluate` writes.
    """
    return [measurement for run in runs for measurement in _read_run(run)]


def _read_run(run: Path) -> Iterator[Measurement]:
    manifest = _read_json(run / "data" / MANIFEST_NAME) if (run / "data" / MANIFEST_NAME).exists() else {}
    shots, seed = manifest.get("shots"), manifest.get("seed")
    files = [(method, file) for method in METHODS for file in _metrics_files(run / "eval" / method)]
    if not files:
        raise UserError(f"{run}: nothing evaluated (no eval/METHOD/metrics.json); run the recipe first")
    for method, file in files:
        evaluation_set = "" if file.parent.name == method else file.parent.name
        content, recipe = _read_json(file), _recipe(run / "eval" / method / "run.json")
        settings = recipe.get("label", "")
        if "runs" not in content:
            own_seed = recipe.get("seed", seed)
            yield Measurement(file, str(run), method, evaluation_set, content, shots, own_seed, settings=settings)
            continue
        for name, metrics in content["runs"].items():
            yield Measurement(file, name, method, evaluation_set, metrics, shots, several=True, settings=settings)


def _recipe(description: Path) -> dict[str, Any]:
    """Return the settings of a method's recipe; none where it left no description."""
    if not description.exists():
        return {}
    recipe = _read_json(description).get("recipe")
    if not isinstance(recipe, dict) or "label" not in recipe:
        raise UserError(f"{description}: no 'label' in 'recipe'; run the recipe's evaluation again")
    return recipe


def _metrics_files(folder: Path) -> list[Path]:
    whole, sets = folder / "metrics.json", sorted(folder.glob("*/metrics.json"))
    if whole.exists() and sets:
        raise UserError(
            f"{whole} stands beside {sets[0].relative_to(folder)}; with several evaluation sets, each has a folder"
        )
    return [whole] if whole.exists() else sets


def _read_json(path: Path) -> dict[str, Any]:
    return read_json_object(path, "run the stage that writes it again")
