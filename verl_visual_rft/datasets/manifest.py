# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The manifest of a prepared folder: where its rows come from and how they were chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict, cast

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_object
from verl_visual_rft.tasks import load_task

MANIFEST_NAME = "manifest.json"


class CategoryGroups(TypedDict):
    """Names of the categories that training may ask for, and of those kept for evaluation."""

    base: list[str]
    novel: list[str]


class _Required(TypedDict):
    task: str
    dataset: str
    package_version: str
    prompt_version: str
    seed: int
    shots: int | None
    options: dict[str, Any]
    sources: dict[str, Any]
    counts: dict[str, dict[str, Any]]
    skips: dict[str, dict[str, Any]]
    conversions: dict[str, dict[str, Any]]
    chosen: dict[str, dict[str, Any]]
    files: dict[str, dict[str, Any]]


class Manifest(_Required, total=False):
    """Content of manifest.json; it holds no time, path or machine, so equal input gives equal bytes.

    Data sets add keys of their own (``selection``, say).

    Attributes:
        task: The rows' task; several are joined by " + ".
        dataset: The rows' ``data_source``.
        package_version: Of this package.
        prompt_version: Of the task's prompt, `Task.prompt_version`; those of several, if they differ, are joined
            as the tasks are.
        seed: Seed of every draw.
        shots: Training pictures of each category or class; None for all.
        options: The other options that decide the bytes.
        sources: ``files``, the annotation files with their hashes; ``pictures``, by split.
        counts: By split; ``both`` counts pictures that more than one split shows.
        skips: What was left out, by rule: ``count`` and ``where``.
        conversions: Pictures that were not stored as they are, by rule: ``count`` and ``pictures``.
        chosen: Picture ids of the rows, by split, then "positives" or "negatives", then category or class. Grounding
            rows are listed under one key, "".
        files: Bytes and hashes of the files beside the manifest.
        categories: Of detection: base and novel.
        mends: What was put right in the annotations, by rule: ``count`` and ``where``; none, no key.
        classes_below_shots: Of classification with shots: training pictures of each class that has fewer.
    """

    categories: CategoryGroups
    mends: dict[str, dict[str, Any]]
    classes_below_shots: dict[str, int]


def load_manifest(path: Path) -> Manifest:
    """Read the manifest of a prepared folder, given the folder or the file.

    Raises:
        UserError: There is no manifest, or it is not one of ours; the message names what is missing.
    """
    file = path / MANIFEST_NAME if path.is_dir() else path
    remedy = "prepare the data again with `visual-rft data prepare`"
    content = read_json_object(file, remedy)
    missing = [key for key in Manifest.__required_keys__ if key not in content]
    if missing:
        raise UserError(f"{file} is not a manifest: no {', '.join(map(repr, sorted(missing)))}; {remedy}")
    return cast(Manifest, content)


def prompt_version(task: str) -> str:
    """Return the ``prompt_version`` of rows prepared now.

    Args:
        task: As in the manifest, several joined by " + ".

    Raises:
        UserError: A task cannot be loaded.

    Example:
        >>> prompt_version("detection + grounding")
        '1'
    """
    versions = [load_task(name).prompt_version for name in task.split(" + ")]
    return " + ".join(versions if len({*versions}) > 1 else versions[:1])
