# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The predictions file: one JSON line a question, written by `predict`, read by every metric and by the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError


@dataclass(frozen=True)
class Prediction:
    """A model's answer to one (image, category) question.

    Attributes:
        index: Row of the evaluation parquet.
        image_id: Id of the picture, as text.
        category: Name of the category that was asked for.
        category_id: Its id in the annotations.
        width: Width of the original picture in pixels.
        height: Height of the original picture in pixels.
        ground_truth: JSON text of the reward's ground truth, boxes in the answer's coordinates.
        response: What the model wrote, special tokens removed.
        response_tokens: Its length in tokens.
        finish_reason: ``stop``, or ``length`` where the answer was cut at the limit.
    """

    index: int
    image_id: str
    category: str
    category_id: int
    width: int
    height: int
    ground_truth: str
    response: str
    response_tokens: int
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

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Prediction:
        """Build a prediction from a decoded line; ``KeyError`` names the first key that is missing."""
        return cls(**{field.name: record[field.name] for field in fields(cls)})


def read_predictions(path: Path) -> list[Prediction]:
    """Read a predictions file, in the order of the file.

    Raises:
        UserError: The file is missing or empty, a line is not a prediction, or one question is answered twice.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such predictions file; make it with `visual-rft predict`")
    # Not splitlines(): a response may hold U+2028 and its like, which are no line ends of JSON lines.
    with path.open(encoding="utf-8", newline="\n") as file:
        predictions = [_decode(line, f"{path}: line {number}") for number, line in enumerate(file, start=1)]
    if not predictions:
        raise UserError(f"{path}: the file is empty; run `visual-rft predict` again")
    _refuse_duplicates(predictions, path)
    return predictions


def _decode(line: str, where: str) -> Prediction:
    try:
        record = json.loads(line)
        return Prediction.from_record(record)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not JSON ({error.msg}); the file was cut or edited, run predict again") from error
    except KeyError as error:
        raise UserError(f"{where}: the key {error} is missing; this is not a file that predict wrote") from error
    except TypeError as error:
        raise UserError(f"{where}: a JSON object is expected; this is not a file that predict wrote") from error


def _refuse_duplicates(predictions: list[Prediction], path: Path) -> None:
    seen: dict[tuple[str, int], int] = {}
    for prediction in predictions:
        question = (prediction.image_id, prediction.category_id)
        if question in seen:
            raise UserError(
                f"{path}: image {prediction.image_id}, category {prediction.category!r} is answered twice "
                f"(rows {seen[question]} and {prediction.index}); its boxes would count double, remove one"
            )
        seen[question] = prediction.index
