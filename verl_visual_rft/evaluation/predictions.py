# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The predictions file: one JSON line a question, written by `predict`, read by every metric and by the report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import NoneType

from verl_visual_rft.errors import UserError
from verl_visual_rft.truths import TASKS


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A model's answer to one question about one picture.

    Attributes:
        index: Row of the evaluation parquet.
        task: ``detection``, ``classification`` or ``grounding``; files from before there was a choice are detection.
        image_id: Id of the picture, as text.
        category: Name of the category that was asked for; the class, or the instruction, of the other tasks.
        category_id: Its id in the annotations; ``None`` for grounding.
        width: Width of the original picture in pixels.
        height: Height of the original picture in pixels.
        ground_truth: JSON text of the reward's ground truth, boxes in the answer's coordinates.
        response: What the model wrote, special tokens removed.
        response_tokens: Its length in tokens; ``None`` where a server or a saved response does not tell.
        finish_reason: ``stop``, or ``length`` where the answer was cut at the limit.
    """

    index: int
    task: str = "detection"
    image_id: str
    category: str
    category_id: int | None
    width: int
    height: int
    ground_truth: str
    response: str
    response_tokens: int | None
    finish_reason: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the original picture in pixels."""
        return self.width, self.height

    @property
    def truth_boxes(self) -> list[list[float]]:
        """Boxes of the ground truth, in the answer's coordinates; empty where the category is not in the picture."""
        boxes: list[list[float]] = json.loads(self.ground_truth)["boxes"]
        return boxes

    def to_line(self) -> str:
        """The prediction as one line of JSON, newline included."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


def read_predictions(path: Path) -> list[Prediction]:
    """Read a predictions file, in the order of the file.

    Raises:
        UserError: The file is missing or empty, a line is not a prediction, or one question is answered twice.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such predictions file; make it with `visual-rft predict`")
    # Not splitlines(): a response may hold U+2028 and its like, which are no line ends of JSON lines.
    with path.open("rb") as file:
        predictions = [_decode(line, f"{path}: line {number}") for number, line in enumerate(file, start=1)]
    if not predictions:
        raise UserError(f"{path}: the file is empty; run `visual-rft predict` again")
    _refuse_duplicates(predictions, path)
    return predictions


_TYPES: dict[str, type | tuple[type, ...]] = {
    "index": int,
    "task": str,
    "image_id": str,
    "category": str,
    "category_id": (int, NoneType),
    "width": int,
    "height": int,
    "ground_truth": str,
    "response": str,
    "response_tokens": (int, NoneType),
    "finish_reason": str,
}


def _decode(line: bytes, where: str) -> Prediction:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UserError(f"{where}: not JSON ({error}); the file was cut or edited, run predict again") from error
    if not isinstance(record, dict):
        raise UserError(f"{where}: a JSON object is expected; this is not a file that predict wrote")
    record.setdefault("task", "detection")
    for key, expected in _TYPES.items():
        if key not in record:
            raise UserError(f"{where}: the key {key!r} is missing; this is not a file that predict wrote")
        if not isinstance(record[key], expected):
            raise UserError(f"{where}: {key!r} is {record[key]!r}; this is not a file that predict wrote")
    if record["task"] not in TASKS:
        raise UserError(f"{where}: unknown task {record['task']!r}: one of {', '.join(TASKS)} is expected")
    return Prediction(**{key: record[key] for key in _TYPES})


def _refuse_duplicates(predictions: list[Prediction], path: Path) -> None:
    seen: dict[tuple[str, str, int | None, str], int] = {}
    for prediction in predictions:
        question = (prediction.task, prediction.image_id, prediction.category_id, prediction.category)
        if question in seen:
            raise UserError(
                f"{path}: image {prediction.image_id}, {prediction.category!r} is answered twice "
                f"(rows {seen[question]} and {prediction.index}) and would count double; remove one"
            )
        seen[question] = prediction.index
