# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The published ViRFT_* sets: columns ``image``, ``problem`` (the prompt) and ``solution`` (``<answer>...</answer>``).

The published rows are kept word for word: the image's bytes, the prompt, the solution (as the target of supervised
fine-tuning), and the boxes to the last grid unit.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.boxes import Box
from verl_visual_rft.coordinates import Size, from_thousandths
from verl_visual_rft.datasets.readers.hub_tables import TablePicture, find_tables, read_rows
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import open_picture
from verl_visual_rft.prompts import PLACEHOLDER
from verl_visual_rft.tasks import Truth, read_truth
from verl_visual_rft.tasks.classification import ClassificationTruth
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet, class_set
from verl_visual_rft.tasks.detection import DetectionTruth, parse_detection
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.grounding import GroundingTruth
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.question import Question

COLUMNS = ("image", "problem", "solution")
#: Rule of the rows left out: ``int(px / size * 1000)`` made a box of a few pixels one without width or height.
BAD_BOX = "published box without area or outside 0-1000"

_POSITION = re.compile(r"'Position': \[-?\d+, -?\d+, -?\d+, -?\d+\]")
_INTEGER = re.compile(r"-?\d+")
_GRID = 1000
_PAIR = re.compile(r"\(\d+, ?\d+\), ?\(\d+, ?\d+\)")
_CATEGORY = re.compile("objects? belonging to the category '"), "' in the image"
_INSTRUCTION = re.compile("corresponding to the instruction: "), " Output the thinking process"
_ANSWER = re.compile("<answer>"), "</answer>"


@dataclass(frozen=True)
class PublishedSplits:
    """What a published set asks."""

    #: By split, its questions in the published order, each with its published prompt and solution.
    splits: Mapping[str, tuple[Question, ...]]
    skips: tuple[Skip, ...]  #: Rows left out.
    sources: tuple[Path, ...]  #: The table files read.


@dataclass(frozen=True, slots=True)
class _Row:
    picture: TablePicture
    size: Size
    prompt: str
    solution: str
    truth: Truth
    category: str  # empty but for detection


def read_virft(root: Path, task: str | None = None) -> PublishedSplits:
    """Read a published set.

    Pixel boxes are the published grid boxes on the picture's size, such that `to_thousandths` gives the published
    numbers again. Ids of categories count their names in alphabetical order from 1; the closed set of classes is all
    labels of the set. The id of a picture is made of its bytes, because the sets publish none.

    Args:
        root: Downloaded repository, folder of ``save_to_disk``, or one table file; see `find_tables`.
        task: "detection", "classification" or "grounding"; None: each row's solution tells.

    Raises:
        UserError: Files or columns are missing, or a row cannot be read; the message names file, row and column.
    """
    rows: dict[str, list[_Row]] = {}
    skips: list[Skip] = []
    sources: list[Path] = []
    for split, files in find_tables(root).items():
        rows[split] = []
        for path in files:
            sources.append(path)
            for row in _read_file(path, path.relative_to(root).as_posix() if path != root else path.name, task):
                if isinstance(row, Skip):
                    skips.append(row)
                else:
                    rows[split].append(row)
    every = [row for split in rows.values() for row in split]
    if not every:
        first = f"; {skips[0].rule}: {skips[0].where}" if skips else ""
        raise UserError(f"{root} has no row that can be used ({len(skips)} left out){first}")
    labels = sorted({row.truth.label for row in every if isinstance(row.truth, ClassificationTruth)})
    # The prompts are there already, so no words for the container and the question are needed.
    classes = class_set(labels, "", "", root) if labels else ClassSet((), "", "")
    numbers = {label: number for number, label in enumerate(classes.names)}
    categories = {name: i for i, name in enumerate(sorted({row.category for row in every if row.category}), start=1)}
    return PublishedSplits(
        {split: tuple(_question(row, numbers, classes, categories) for row in rows[split]) for split in rows},
        tuple(skips),
        tuple(sources),
    )


def _read_file(path: Path, name: str, task: str | None) -> Iterator[_Row | Skip]:
    for number, cells in enumerate(read_rows(path, COLUMNS)):
        where = f"{path}: row {number}"
        prompt = _text(where, "problem", cells)
        solution = _text(where, "solution", cells)
        if PLACEHOLDER.search(prompt):
            raise UserError(f"{where}, column 'problem': holds a placeholder that veRL would replace by an image")
        truth = _truth(where, task or _task_of(where, solution), solution)
        if truth is None:
            yield Skip(BAD_BOX, f"{name} row {number}: {solution[:100]}")
            continue
        category = _category(where, prompt) if isinstance(truth, DetectionTruth) else ""
        data, size = _image(where, cells["image"])
        digest = hashlib.sha256(data).hexdigest()[:16]
        picture = TablePicture(id=digest, path=path, name=f"{name}#{number}", size=size, as_published=True, row=number)
        yield _Row(picture, size, prompt, solution, truth, category)


def _text(where: str, column: str, cells: Mapping[str, Any]) -> str:
    value = cells[column]
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}, column {column!r}: is {value!r}, not a text")
    return value


def _image(where: str, cell: Any) -> tuple[bytes, Size]:
    where = f"{where}, column 'image'"
    if not isinstance(cell, dict) or not isinstance(cell.get("bytes"), bytes):
        path = cell.get("path") if isinstance(cell, dict) else None
        remedy = f"only the path {path!r}; save the set with its pictures embedded" if path else "no image"
        raise UserError(f"{where}: holds {remedy}")
    data: bytes = cell["bytes"]
    try:
        with open_picture(data) as image:
            return data, image.size
    except Exception as error:  # Pillow's header readers raise many types on bytes that are no image
        raise UserError(f"{where}: is not an image: {error}") from error


def _task_of(where: str, solution: str) -> str:
    """Tell the task by the form of a solution: a list of boxes or "No Objects", a pair of corners, or a name."""
    answer = _between(solution, *_ANSWER)
    if answer is None:
        raise UserError(f"{where}, column 'solution': {solution[:100]!r} has no <answer>...</answer>")
    text = answer.strip()
    if text.startswith(("[", "{")) or text == "No Objects":
        return "detection"
    return "grounding" if re.match(r"\(\s*\d", text) else "classification"


def _truth(where: str, task: str, solution: str) -> Truth | None:
    """Read a solution; None when a box of it is one that nothing can answer."""
    if _has_bad_box(task, solution):
        return None
    try:
        truth = read_truth(task, solution)
    except UserError as error:
        raise UserError(f"{where}, column 'solution': {error}") from error
    if isinstance(truth, GroundingTruth) and truth.any_number:
        raise UserError(
            f"{where}, column 'solution': {solution[:100]!r} is no published solution, which is one box; give "
            "questions of any number to `visual-rft data prepare custom --jsonl`"
        )
    if any(value != int(value) for box in _boxes(truth) for value in box):
        raise UserError(f"{where}, column 'solution': {solution[:100]!r} has boxes off the integer grid")
    return truth


def _has_bad_box(task: str, solution: str) -> bool:
    """Whether a solution is written as published, but a box of it has no area or leaves the grid."""
    if task == "classification":
        return False
    written = (_POSITION if task == "detection" else _PAIR).findall(solution)
    if len(written) != (parse_detection(solution).n_boxes if task == "detection" else 1):
        return False
    boxes = [[int(number) for number in _INTEGER.findall(text)] for text in written]
    return any(not (0 <= x1 < x2 <= _GRID and 0 <= y1 < y2 <= _GRID) for x1, y1, x2, y2 in boxes)


def _boxes(truth: Truth) -> tuple[Box, ...]:
    return truth.boxes if isinstance(truth, (DetectionTruth, GroundingTruth)) else ()


def _category(where: str, prompt: str) -> str:
    found = _between(prompt, *_CATEGORY)
    if not found or "\n" in found:
        raise UserError(
            f"{where}, column 'problem': does not ask for \"objects belonging to the category '...' in the image\", as "
            f"the published detection prompts do, but {prompt[:100]!r}"
        )
    return found


def _between(text: str, start: re.Pattern[str], end: str) -> str | None:
    """Return what stands between the first ``start`` and the ``end`` behind it, in linear time; None without both.

    As a regular expression, ``start(.*?)end`` would look for the end anew from every start.
    """
    begin = start.search(text)
    stop = -1 if begin is None else text.find(end, begin.end())
    return None if begin is None or stop < 0 else text[begin.end() : stop]


def _question(row: _Row, classes: Mapping[str, int], closed: ClassSet, categories: Mapping[str, int]) -> Question:
    words = {"prompt": row.prompt, "answer": row.solution}
    boxes = tuple(from_thousandths(box, row.size) for box in _boxes(row.truth))
    if isinstance(row.truth, DetectionTruth):
        return DetectionQuestion(row.picture, row.category, categories[row.category], boxes, **words)
    if isinstance(row.truth, ClassificationTruth):
        return ClassificationQuestion(row.picture, classes[row.truth.label], closed, **words)
    instruction = _between(row.prompt, *_INSTRUCTION) or row.prompt
    return GroundingQuestion(row.picture, instruction, boxes, prompt=row.prompt, answer=row.solution)
