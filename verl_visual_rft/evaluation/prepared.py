# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A prepared data folder, as evaluation reads it: the truth, the category groups and the pictures."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.stored_rows import extra, picture_bytes, read_rows
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object


@dataclass(frozen=True)
class PreparedTruth:
    """What the answers are measured against.

    Attributes:
        annotations: COCO dictionary (``images``, ``annotations``, ``categories``) of the validation pictures.
        groups: Category names of groups: ``base`` and ``novel``.
    """

    annotations: dict[str, Any]
    groups: dict[str, tuple[str, ...]]

    @property
    def category_ids(self) -> dict[str, int]:
        """Category name to id."""
        return {category["name"]: category["id"] for category in self.annotations["categories"]}

    @property
    def image_ids(self) -> dict[str, int | str]:
        """Image id as text, as rows carry it, to the id as the annotations write it."""
        return {str(image["id"]): image["id"] for image in self.annotations["images"]}


def load_truth(folder: Path) -> PreparedTruth:
    """Read ``val_annotations.json`` and the category groups of ``manifest.json`` from a prepared folder.

    Raises:
        UserError: A file is missing or not what data prep writes, or the manifest names a category that the
            annotations do not have.
    """
    annotations = read_annotations(folder / "val_annotations.json")
    manifest = _read_json(folder / "manifest.json")
    try:
        groups = {group: tuple(manifest["categories"][group]) for group in ("base", "novel")}
    except (KeyError, TypeError) as error:
        raise UserError(f"{folder / 'manifest.json'}: no categories {error}; prepare the data again") from error
    truth = PreparedTruth(annotations, groups)
    unknown = {name for names in groups.values() for name in names} - truth.category_ids.keys()
    if unknown:
        raise UserError(
            f"{folder / 'manifest.json'}: categories {sorted(unknown)} are not in val_annotations.json; "
            "prepare the data again"
        )
    return truth


def read_annotations(path: Path) -> dict[str, Any]:
    """Read a COCO dictionary that data prep wrote.

    Raises:
        UserError: The file is missing or not what data prep writes.
    """
    annotations = _read_json(path)
    for key in ("images", "annotations", "categories"):
        if key not in annotations:
            raise UserError(f"{path}: no key {key!r}; prepare the data again")
    return annotations


def read_dataset(folder: Path) -> str:
    """Return the name of a prepared folder's data set, from its manifest.

    Raises:
        UserError: There is no manifest, or it does not say.
    """
    dataset = _read_json(folder / "manifest.json").get("dataset")
    if not isinstance(dataset, str):
        raise UserError(f"{folder / 'manifest.json'}: no key 'dataset'; prepare the data again")
    return dataset


def read_pictures(parquet: Path, indexes: Collection[int]) -> dict[int, bytes]:
    """Original image bytes of the rows whose ``extra_info.index`` is in ``indexes``.

    Raises:
        UserError: The file is missing, or a row is not in it.
    """
    if not parquet.is_file():
        raise UserError(f"{parquet}: no such file; prepare the data first")
    wanted, pictures = set(indexes), {}
    for row in read_rows(parquet, ("images", "extra_info")):
        if (index := extra(row, "index")) in wanted:
            try:
                (pictures[index],) = picture_bytes(row)
            except (UserError, ValueError) as error:
                raise UserError(f"{parquet}: row with index {index}: no single picture ({error})") from error
    missing = sorted(wanted - pictures.keys())
    if missing:
        raise UserError(f"{parquet}: no rows with index {missing}; the predictions belong to other data")
    return pictures


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise UserError(f"{path}: no such file; give the folder that data prep wrote")
    return read_json_object(path, "prepare the data again")
