# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The rows of an evaluation parquet: what is asked, without the pictures, and the rows themselves in batches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from verl_visual_rft.datasets.stored_rows import open_parquet, read_rows
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.engines.engine import Row

_LIGHT = ("ability", "reward_model", "extra_info")
_ASKED = ("prompt", "images", "extra_info")


def read_questions(data: Path) -> list[Row]:
    """Read all rows without prompts and pictures, in their order.

    Raises:
        UserError: The file is missing, empty or not what data prep writes, or two rows have the same index.
    """
    file = open_parquet(data)
    missing = sorted({*_LIGHT, *_ASKED} - {*file.schema_arrow.names})
    if missing:
        raise UserError(f"{data}: columns {missing} are missing; prepare the data again")
    questions = list(read_rows(data, _LIGHT))
    if not questions:
        raise UserError(f"{data}: no rows; prepare the data again")
    if len({question["extra_info"]["index"] for question in questions}) < len(questions):
        raise UserError(f"{data}: two rows have the same extra_info.index; prepare the data again")
    return questions


def row_batches(data: Path, batches: Sequence[Sequence[int]], reword: Callable[[Row], Row]) -> Iterator[list[Row]]:
    """Give the rows of batches of indexes, each batch in the order of the file.

    Args:
        data: The parquet.
        batches: Indexes in the order of the file.
        reword: Applied to each row, to ask something else about the same picture.
    """
    wanted = {index for batch in batches for index in batch}
    rows = (reword(row) for row in read_rows(data, _ASKED) if row["extra_info"]["index"] in wanted)
    for batch in batches:
        yield list(islice(rows, len(batch)))


def pixel_budgets(data: Path) -> list[dict[str, int]]:
    """Return the distinct pixel budgets of the rows; data prep writes one."""
    file = open_parquet(data)
    paths = (file.schema.column(number).path for number in range(len(file.schema)))
    columns = [path for path in paths if path.startswith("images.") and path.endswith(("min_pixels", "max_pixels"))]
    budgets: set[tuple[int, int]] = set()
    for part in file.iter_batches(columns=columns):
        images = pc.list_flatten(part["images"])
        low, high = (pc.struct_field(images, name).to_pylist() for name in ("min_pixels", "max_pixels"))
        budgets.update(zip(low, high, strict=True))
    return [{"min_pixels": low, "max_pixels": high} for low, high in sorted(budgets)]


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def describe_question(question: Row) -> dict[str, Any]:
    """Return what a prediction says of its question."""
    extra = question["extra_info"]
    return {
        "index": extra["index"],
        "task": question["ability"],
        "image_id": extra["image_id"],
        "category": extra["category"],
        "category_id": extra["category_id"],
        "width": extra["width"],
        "height": extra["height"],
        "ground_truth": question["reward_model"]["ground_truth"],
    }
