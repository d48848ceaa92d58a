# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The rows of an evaluation parquet: what is asked, without the pictures, and the rows themselves in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from verl_visual_rft.datasets.stored_rows import extra, ground_truth, open_parquet, read_rows
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.engines.engine import Row, where
from verl_visual_rft.evaluation.predictions import QUESTION_TYPES
from verl_visual_rft.tasks import task_names

_LIGHT = ("ability", "reward_model", "extra_info")
_ASKED = ("prompt", "images", "ability", "extra_info")
_BUDGET = ("min_pixels", "max_pixels")


def read_questions(data: Path) -> list[Row]:
    """Read all rows without prompts and pictures, in their order.

    Raises:
        UserError: The file is missing, empty or not what data prep writes, or two rows have the same index.
    """
    file = open_parquet(data)
    missing = sorted({*_LIGHT, *_ASKED} - {*file.schema_arrow.names})
    if missing:
        raise UserError(f"{data}: columns {missing} are missing; prepare the data again")
    questions = [_checked(row, data, position) for position, row in enumerate(read_rows(data, _LIGHT))]
    if not questions:
        raise UserError(f"{data}: no rows; prepare the data again")
    if len({question["extra_info"]["index"] for question in questions}) < len(questions):
        raise UserError(f"{data}: two rows have the same extra_info.index; prepare the data again")
    return questions


def _checked(row: Row, data: Path, position: int) -> Row:
    faults = [key for key, kind in QUESTION_TYPES.items() if not isinstance(extra(row, key), kind)]
    wrong = [f"extra_info.{key} is {shortened(extra(row, key))}" for key in faults]
    if row["ability"] not in task_names():
        wrong.append(f"ability is {shortened(row['ability'])}")
    if not isinstance(ground_truth(row), str):
        wrong.append(f"reward_model.ground_truth is {shortened(ground_truth(row))}")
    if wrong:
        raise UserError(f"{data}: row {position}: {', '.join(wrong)}; `visual-rft data validate` names all such rows")
    return row


def _askable(row: Row, data: Path) -> Row:
    chat = row["prompt"]
    if not isinstance(chat, list) or not chat or not all(map(_is_turn, chat)):
        raise UserError(
            f"{data}: {where(row)}: prompt is {shortened(chat)}, not a chat of {{role, content}} texts; "
            "prepare the data again"
        )
    return row


def _is_turn(turn: object) -> bool:
    return isinstance(turn, dict) and isinstance(turn.get("role"), str) and isinstance(turn.get("content"), str)


def row_batches(data: Path, batches: Sequence[Sequence[int]], reword: Callable[[Row], Row]) -> Iterator[list[Row]]:
    """Give the rows of batches of indexes, each batch in the order of the file.

    Args:
        data: The parquet.
        batches: Indexes in the order of the file.
        reword: Applied to each row, to ask something else about the same picture.
    """
    wanted = {index for batch in batches for index in batch}
    rows = (reword(_askable(row, data)) for row in read_rows(data, _ASKED) if extra(row, "index") in wanted)
    for batch in batches:
        yield list(islice(rows, len(batch)))


def pixel_budgets(data: Path) -> list[dict[str, int]]:
    """Return the distinct pixel budgets of the rows; data prep writes one, rows of others may have none."""
    file = open_parquet(data)
    if not _has_budgets(file.schema_arrow.field("images").type):
        return []
    paths = (file.schema.column(number).path for number in range(len(file.schema)))
    columns = [path for path in paths if path.startswith("images.") and path.endswith(_BUDGET)]
    budgets: set[tuple[int, int]] = set()
    for part in file.iter_batches(columns=columns):
        images = pc.list_flatten(part["images"])
        limits = zip(*(pc.struct_field(images, name).to_pylist() for name in _BUDGET), strict=True)
        budgets.update((low, high) for low, high in limits if low is not None and high is not None)
    return [{"min_pixels": low, "max_pixels": high} for low, high in sorted(budgets)]


def _has_budgets(images: pa.DataType) -> bool:
    if not (pa.types.is_list(images) or pa.types.is_large_list(images)) or not pa.types.is_struct(images.value_type):
        return False
    kinds = {field.name: field.type for field in images.value_type}
    return all(name in kinds and pa.types.is_integer(kinds[name]) for name in _BUDGET)


def describe_question(question: Row) -> dict[str, Any]:
    """Return what a prediction says of its question."""
    info = question["extra_info"]
    return {
        "index": info["index"],
        "task": question["ability"],
        "image_id": info["image_id"],
        "category": info["category"],
        "category_id": info.get("category_id"),
        "width": info["width"],
        "height": info["height"],
        "ground_truth": question["reward_model"]["ground_truth"],
    }
