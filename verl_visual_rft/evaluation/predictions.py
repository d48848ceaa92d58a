# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The predictions file: one JSON line a question, written by `predict`, read by every metric and by the report."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import numbered_lines, parse_json, read_json_object
from verl_visual_rft.tasks import task_names


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
        line: Its line in the file that it was read from, for messages; 0 where it was not read. Not in the file.
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
    line: int = field(default=0, compare=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the original picture in pixels."""
        return self.width, self.height

    def to_line(self) -> str:
        """The prediction as one line of JSON, newline included."""
        return json.dumps({key: getattr(self, key) for key in _TYPES}, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class ExistenceStage:
    """The stage of `predict` that decided which questions were asked.

    Attributes:
        mode: ``self``, ``oracle`` or ``map``.
        questions: Questions of the data.
        asked: Those of them whose category it called present.
        precision: Share of these whose category is present, 0 to 1.
        recall: Share of the questions with a present category that it lets through; ``None`` where there are none.
    """

    mode: str
    questions: int
    asked: int
    precision: float | None
    recall: float | None


def meta_path(predictions: Path) -> Path:
    """``predictions.jsonl`` to ``predictions.meta.json``, where `predict` says how they were made."""
    return predictions.with_suffix(".meta.json")


def read_existence_stage(predictions: Path) -> ExistenceStage | None:
    """Read from the meta file which existence stage answers were made behind.

    Returns:
        The stage; ``None`` where every question was asked, or where there is no meta file to say otherwise.

    Raises:
        UserError: The meta file is not one that `predict` wrote.
    """
    meta = meta_path(predictions)
    if not meta.exists():
        return None
    content = read_json_object(meta, "run predict again")
    try:
        stage = content.get("existence", {"mode": "none"})
        if stage["mode"] == "none":
            return None
        return ExistenceStage(*(stage[key] for key in ("mode", "questions", "asked", "precision", "recall")))
    except (TypeError, KeyError) as error:
        raise UserError(f"{meta}: not what predict writes ({error!r}); run predict again") from error


def read_predictions(path: Path) -> list[Prediction]:
    """Read a predictions file, in the order of the file.

    Raises:
        UserError: The file is missing or empty, a line is not a prediction (the last one of a file that was cut, say),
            or one question is answered twice.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such predictions file; make it with `visual-rft predict`")
    lines = numbered_lines(path, "run `visual-rft predict` again")
    predictions = [_decode(line, path, number) for number, line in lines]
    if not predictions:
        raise UserError(f"{path}: the file is empty; run `visual-rft predict` again")
    _refuse_duplicates(predictions, path)
    return predictions


#: What a prediction says of its question, and so the ``extra_info`` of a row must.
QUESTION_TYPES: dict[str, type | tuple[type, ...]] = {
    "index": int,
    "image_id": str,
    "category": str,
    "category_id": (int, NoneType),
    "width": int,
    "height": int,
}
#: In the order of a line.
_TYPES: dict[str, type | tuple[type, ...]] = {
    "index": int,
    "task": str,
    **QUESTION_TYPES,
    "ground_truth": str,
    "response": str,
    "response_tokens": (int, NoneType),
    "finish_reason": str,
}


def _decode(line: str, path: Path, number: int) -> Prediction:
    where = f"{path}: line {number}"
    try:
        record = parse_json(line)
    except UserError as error:
        cut = "" if line.endswith("\n") else "the file ends in the middle of it, "
        raise UserError(f"{where} {error}; {cut}copy the whole file or run predict again") from error
    if not isinstance(record, dict):
        raise UserError(f"{where}: a JSON object is expected; this is not a file that predict wrote")
    record.setdefault("task", "detection")
    for key, expected in _TYPES.items():
        if key not in record:
            raise UserError(f"{where}: the key {key!r} is missing; this is not a file that predict wrote")
        if not isinstance(record[key], expected):
            raise UserError(f"{where}: {key!r} is {record[key]!r}; this is not a file that predict wrote")
    if record["task"] not in task_names():
        raise UserError(f"{where}: unknown task {record['task']!r}: one of {', '.join(task_names())} is expected")
    return Prediction(**{key: record[key] for key in _TYPES}, line=number)


def _refuse_duplicates(predictions: list[Prediction], path: Path) -> None:
    seen: dict[object, int] = {}
    for prediction in predictions:
        question = (prediction.task, prediction.image_id, prediction.category_id, prediction.category)
        for key in (question, (prediction.task, prediction.index)):
            if key in seen:
                raise UserError(
                    f"{path}: line {prediction.line}: index {prediction.index} (image {prediction.image_id}, "
                    f"{prediction.category!r}) is answered twice, first on line {seen[key]}, and would count double; "
                    "remove one"
                )
            seen[key] = prediction.line
