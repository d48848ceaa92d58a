# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Questions read from files: a prepared parquet, COCO annotations, or JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json_lines
from verl_visual_rft.tasks import task_names
from verl_visual_rft.tasks.audited.question import Question, make_question, with_knowledge_of_the_set


def read_questions(path: Path, size: int, seed: int) -> dict[str, list[Question]]:
    """Read the questions of a file, at most ``size`` of each task, drawn with the seed.

    Args:
        path: What it is, its name says:

            - ``.parquet``: rows that data preparation wrote (``ability`` and ``reward_model.ground_truth``);
            - ``.json``: COCO annotations, mended as by data preparation (pictures that lie beside the file are looked
              at); a detection question for each (image, category), boxes on the 0-1000 grid, and a quarter of questions
              about categories that are not in the image;
            - ``.jsonl``: one ``{"task": ..., "ground_truth": ...}`` a line.
        size: Most questions of a task.
        seed: Of the draw.

    Returns:
        By task, in the order of `task_names()`; tasks without questions are left out.

    Raises:
        UserError: The file cannot be read, is of another kind, has no questions, or a row's truth is not readable;
            the message names the row.
    """
    if path.suffix not in _READERS:
        raise UserError(f"{path}: cannot tell what it holds; give a file ending in {', '.join(_READERS)}")
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a truth set, or none for the built-in one")
    questions = _READERS[path.suffix](path, size, seed)
    if not questions:
        raise UserError(f"{path}: holds no questions; give another truth set, or none for the built-in one")
    return {
        task: with_knowledge_of_the_set(chosen)
        for task in task_names()
        if (chosen := _draw([question for question in questions if question.task == task], size, seed))
    }


def _draw(questions: list[Question], size: int, seed: int) -> list[Question]:
    return questions if len(questions) <= size else Random(f"truths {seed}").sample(questions, size)


def _read_parquet(path: Path, size: int, seed: int) -> list[Question]:
    # Here and not above: the reward room does not need the data room for anything else.
    from verl_visual_rft.datasets.stored_rows import ground_truth, read_rows

    rows = read_rows(path, ["ability", "reward_model"])
    return _read_rows(path, ((row.get("ability"), ground_truth(row)) for row in rows))


def _read_json_lines(path: Path, size: int, seed: int) -> list[Question]:
    lines = read_json_lines(path, 'give one {"task": ..., "ground_truth": ...} a line')
    return _read_rows(path, (_json_row(path, number, row) for number, row in lines))


def _json_row(path: Path, number: int, row: Any) -> tuple[Any, Any]:
    if not isinstance(row, dict) or not {"task", "ground_truth"} <= row.keys():
        raise UserError(f'{path}: line {number} is not {{"task": ..., "ground_truth": ...}}')
    return row["task"], row["ground_truth"]


def _read_rows(path: Path, rows: Iterable[tuple[Any, Any]]) -> list[Question]:
    questions = []
    for number, (task, ground_truth) in enumerate(rows, start=1):
        if not isinstance(task, str) or not isinstance(ground_truth, str | Mapping):
            raise UserError(f"{path}: row {number} has no task or no ground truth")
        try:
            questions.append(make_question(task, ground_truth))
        except UserError as error:
            raise UserError(f"{path}: row {number}: {error}") from error
    return questions


def _read_coco(path: Path, size: int, seed: int) -> list[Question]:
    from verl_visual_rft.coordinates import to_thousandths
    from verl_visual_rft.datasets.coco_reading import read_coco
    from verl_visual_rft.datasets.sampling import absent, index_pairs, negatives_for, open_vocabulary
    from verl_visual_rft.tasks.detection.audit import P_NEGATIVE

    try:
        dataset = read_coco(path, path.parent)
    except UserError as error:
        raise UserError(f"{error}; options are those of data preparation: give the parquet that it writes") from error
    index = index_pairs(dataset, dataset.images, dataset.categories, allow_crowd=False)
    positives = min(len(index.boxes), size - round(size * P_NEGATIVE))
    pairs = open_vocabulary(index, positives, seed)
    pairs += absent(index, dataset.images, dataset.categories, negatives_for(positives, P_NEGATIVE), seed)
    return [
        make_question(
            "detection",
            {"boxes": [to_thousandths(box, dataset.images[pair.image_id].size) for box in index.boxes.get(pair, ())]},
        )
        for pair in pairs
    ]


_READERS = {".parquet": _read_parquet, ".json": _read_coco, ".jsonl": _read_json_lines}
