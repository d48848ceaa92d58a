# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One's own questions in a JSON-lines file: one question a line, tasks in any mixture.

    {"image": "photos/1.jpg", "task": "detection", "category": "cup", "boxes": [[12, 40, 96, 130]]}
    {"image": "photos/1.jpg", "task": "classification", "label": "kitchen"}
    {"image": "photos/1.jpg", "task": "grounding", "instruction": "what one drinks from", "box": [12, 40, 96, 130]}
    {"image": "photos/1.jpg", "task": "grounding", "instruction": "the cups", "boxes": [[12, 40, 96, 130]]}

``image`` is relative to the file's folder. Boxes are ``[x1, y1, x2, y2]`` in pixels of the picture as a viewer shows it
(EXIF orientation applied); no boxes mean that the category is absent, or that the instruction means nothing: with
``boxes`` the prompt of grounding asks for any number, with ``box`` for one. ``reward`` may name the reward of a line. A
JSON array of such objects is read as well.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from verl_visual_rft.boxes import Box, part_within
from verl_visual_rft.coordinates import Size, in_one_pixel
from verl_visual_rft.datasets.box_forms import CUT, Entry, corners_of, reaches_out, require_form, require_spread
from verl_visual_rft.datasets.coco_mends import is_integer_otherwise
from verl_visual_rft.datasets.doubled_boxes import DOUBLED, doubled_boxes
from verl_visual_rft.datasets.file_names import RESPELT, find_file
from verl_visual_rft.datasets.skips import Mend
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import upright_size
from verl_visual_rft.input_files import is_finite_number, is_point, numbered_lines, parse_json, read_json
from verl_visual_rft.prompts import PLACEHOLDER
from verl_visual_rft.tasks import Task, load_task
from verl_visual_rft.tasks.question import Line, Picture, Question
from verl_visual_rft.tasks.registry import task_names, usable_tasks

_OPTIONAL = ("reward", "id", "width", "height")
_FORM = "xyxy"
_SHOWN = 10


@dataclass(frozen=True)
class JsonLines:
    """What JSON-lines files ask."""

    splits: Mapping[str, tuple[Question, ...]]  #: By split, its questions in the order of the lines.
    mends: tuple[Mend, ...] = ()  #: What was put right.


def read_jsonl(
    files: Mapping[str, Path], container: str, asked: str, images: Path | None = None, bbox: str | None = None
) -> JsonLines:
    """Read and check the files of one data set.

    Args:
        files: By split, its file.
        container: What pictures to classify show, "a plant".
        asked: What is asked of them, "the species of the plant".
        images: Folder that pictures lie in; None: that of their file.
        bbox: What four numbers are, one of `box_forms.FORMS`; None: corners in pixels, unless the file tells otherwise.

    Raises:
        UserError: A file cannot be read or has no line; or lines are no questions, each of the first ten with its
            number and what is wrong.
    """
    paths = {split: Path(os.path.abspath(path)) for split, path in files.items()}
    folders = {split: Path(os.path.abspath(images or path.parent)) for split, path in paths.items()}
    base = Path(os.path.commonpath(list(folders.values())))
    read = {split: _File(path, folders[split], base, bbox, (container, asked)) for split, path in paths.items()}
    questions = {split: file.read() for split, file in read.items()}
    settled = _settled([question for listed in questions.values() for question in listed], next(iter(files.values())))
    splits = {split: tuple(next(settled) for _ in listed) for split, listed in questions.items()}
    return JsonLines(splits, tuple(mend for file in read.values() for mend in file.mends))


def _settled(questions: Sequence[Question], source: Path) -> Iterator[Question]:
    """Give the questions in their order, completed by what all of a task say together."""
    tasks = {question.task for question in questions}
    by_task = {
        name: iter(load_task(name).settle([question for question in questions if question.task == name], source))
        for name in tasks
    }
    for question in questions:
        yield next(by_task[question.task])


@dataclass
class _File:
    """A file of questions."""

    path: Path
    folder: Path  #: Of its pictures.
    base: Path  #: What their names are relative to.
    told: str | None  #: How boxes are written, if the user says so.
    words: tuple[str, str]  #: What pictures to classify show, and what is asked of them.
    boxes: list[Entry] = field(default_factory=list)  #: All boxes as the file writes them.
    outlines: list[Entry] = field(default_factory=list)  #: The boxes around what the file gives by points, in pixels.
    mends: list[Mend] = field(default_factory=list)  #: What was put right.

    def read(self) -> list[Question]:
        questions: list[Question] = []
        asked: dict[tuple[str, ...], int] = {}
        problems: list[str] = []
        for number, value in _values(self.path):
            try:
                question, mends = self._question(value, f"{self.path.name}: line {number}")
                key = (question.picture.id, question.task, question.subject)
                if key in asked:
                    raise UserError(f"asks the same of the same picture as line {asked[key]}")
            except UserError as error:
                problems.append(f"  line {number}: {error}")
            else:
                asked[key] = number
                questions.append(question)
                self.mends += mends
        if problems:
            more = f"\n  ... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
            listed = "\n".join([*problems[:_SHOWN]]) + more + self._as_a_whole()
            raise UserError(f"{self.path}: {len(problems)} lines are no questions:\n{listed}")
        if not questions:
            raise UserError(f"{self.path} has no line")
        self._require_form()
        return questions

    def _require_form(self) -> None:
        require_form(self.told or _FORM, self.boxes, str(self.path), told=self.told is not None)
        if self.outlines and self.told is None:
            marked = [*self.boxes, *self.outlines]
            require_spread(
                marked, f"{self.path}: all {len(marked)} targets", f", or give --bbox {_FORM} if they are right"
            )

    def _as_a_whole(self) -> str:
        """What all boxes of the file say of how they are written, where that is something else."""
        try:
            self._require_form()
        except UserError as error:
            return f"\n{error}"
        return ""

    def _question(self, value: Any, where: str) -> tuple[Question, list[Mend]]:
        content = parse_json(value) if isinstance(value, str) else value
        if not isinstance(content, dict):
            raise UserError(f"is {type(content).__name__}, not an object")
        name = content.get("task")
        known = {task: loaded for task, loaded in usable_tasks().items() if loaded.json_keys}
        if not isinstance(name, str) or name not in known:
            if name in task_names():
                load_task(name)  # why it cannot be used
            raise UserError(f"'task' is {name!r}, not one of {', '.join(known)}")
        task = known[name]
        named = {key: value for key, value in content.items() if task.json_synonyms.get(key, key) == key}
        for synonym, key in task.json_synonyms.items():
            if synonym in content and key not in content:
                named[key] = content[synonym]
        _check_keys(task, content, named)
        mends: list[Mend] = []
        below, respelt = self._image(content["image"])
        if respelt:
            mends.append(Mend(RESPELT, f"{where}: {content['image']!r} is {below.as_posix()!r}"))
        path = self.folder / below
        size = _upright_size(path)
        _check_stated_size(content, size)
        name = path.relative_to(self.base).as_posix()
        line = _Line(self, where, content, named, Picture(name, path, name, size, folder=self.folder), mends)
        return task.read_line(line), mends

    def _image(self, value: Any) -> tuple[PurePosixPath, bool]:
        """Return the path below `folder` of a picture, and whether its name had to be read otherwise than it stands.

        It is listed relative to the folder or to the file, or as a whole.
        """
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise UserError(f"'image' is {value!r}, not a path")
        listed = [PurePosixPath(os.path.normpath(base / value)) for base in (self.folder, self.path.parent)]
        for whole in listed:  # as it stands, before what it may mean
            if whole.is_relative_to(self.folder) and os.path.isfile(whole):
                return whole.relative_to(self.folder), False
        found = find_file(self.folder, value)
        if found is not None:
            is_whole = value.startswith("/") and os.path.isfile(value)
            return PurePosixPath(found), not (is_whole and os.path.samefile(value, self.folder / found))
        whole = listed[-1]
        if not whole.is_relative_to(self.folder) or whole == PurePosixPath(self.folder):
            raise UserError(
                f"'image' {value!r} is no path inside the folder {self.folder}; give --images with a folder that "
                "holds all pictures"
            )
        return whole.relative_to(self.folder), False

    def box(self, value: Any, size: Size | None) -> Box:
        """Return a box as the file writes it, in pixels of its picture."""
        if not isinstance(value, list) or len(value) != 4 or not all(is_finite_number(number) for number in value):
            raise UserError(f"box {value!r} is not four finite numbers [x1, y1, x2, y2]")
        a, b, c, d = map(float, value)
        if size is None:
            return a, b, c, d
        self.boxes.append(Entry((a, b, c, d), size))
        box = corners_of(self.told or _FORM, (a, b, c, d), size)
        _check_box(box, value, size, self.told)
        return box


class _Line(Line):
    """A line of a file, which a task reads its question from."""

    def __init__(
        self,
        file: _File,
        where: str,
        content: Mapping[str, Any],
        named: Mapping[str, Any],
        picture: Picture,
        mends: list[Mend],
    ) -> None:
        self._file, self._where, self._given, self._mends = file, where, content, mends
        self.content = named
        self.picture = picture
        self.container, self.asked = file.words
        self.reward = self.text("reward") if "reward" in named else None

    def text(self, key: str) -> str:
        value = self.content[key]
        if not isinstance(value, str) or not value.strip():
            raise UserError(f"{key!r} is {value!r}, not a text")
        if PLACEHOLDER.search(value):
            raise UserError(f"{key!r} {value!r} contains a placeholder that veRL would replace by an image")
        return value

    def boxes(self, value: Any) -> tuple[Box, ...]:
        if not isinstance(value, list):
            raise UserError(f"'boxes' is {value!r}, not a list of boxes [[x1, y1, x2, y2], ...]")
        size = self.picture.size
        drawn = [self._file.box(box, size) for box in value]
        if size is None:  # there is no picture: the line is left out where its pixels are read
            listed = drawn
        else:
            listed = [part_within(box, (float(size[0]), float(size[1]))) or box for box in drawn]
            for box in drawn:
                if reaches_out(box, size):
                    self._mends.append(Mend(CUT, f"{self._where}: {box} in {size[0]}x{size[1]}"))
        doubled = doubled_boxes(dict(enumerate(listed)))
        self._mends += [Mend(DOUBLED, f"{self._where}: {listed[number]}") for number in sorted(doubled)]
        return tuple(box for number, box in enumerate(listed) if number not in doubled)

    def points(self, value: Any) -> tuple[tuple[float, float], ...]:
        if not isinstance(value, list) or not all(is_point(point) for point in value):
            raise UserError(f"{value!r} is not a list of points [[x, y], ...] of finite numbers")
        points = tuple((float(x), float(y)) for x, y in value)
        width, height = self.picture.size or (math.inf, math.inf)
        for x, y in points:
            if not (0 <= x <= width and 0 <= y <= height):
                raise UserError(
                    f"point [{x:g}, {y:g}] lies outside the picture, {width}x{height}; points are in its pixels"
                )
        if points and self.picture.size is not None:
            xs, ys = zip(*points, strict=True)
            self._file.outlines.append(Entry((min(xs), min(ys), max(xs), max(ys)), self.picture.size))
        return points

    def gave(self, key: str) -> bool:
        return key in self._given


def _values(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield number and text of each line; of a file that is one JSON array, number and value of each entry."""
    lines = numbered_lines(path, "give a file of JSON lines")
    first = next(lines, None)
    if first is None:
        return
    if first[1].lstrip()[:1] == "[":
        yield from enumerate(read_json(path, "give a JSON array, or one question a line"), start=1)
        return
    yield first
    yield from lines


def _check_keys(task: Task[Any, Any], content: Mapping[str, Any], named: Mapping[str, Any]) -> None:
    expected = ("image", "task", *task.json_keys)
    missing = [key for key in expected if key not in named]
    synonyms = {synonym for synonym, key in task.json_synonyms.items() if named.get(key) is content.get(synonym)}
    optional = (*task.json_optional, *_OPTIONAL)
    unknown = [key for key in content if key not in (*expected, *optional) and key not in synonyms]
    if missing or unknown:
        problems = [f"no key {key!r}" for key in missing] + [f"unknown key {key!r}" for key in unknown]
        may_have = ", ".join(map(repr, optional))
        raise UserError(f"{', '.join(problems)}; a {task.name} line has {', '.join(expected)}, and may have {may_have}")


def _check_stated_size(content: Mapping[str, Any], size: Size | None) -> None:
    given = (content.get("width"), content.get("height"))
    stated = tuple(int(side) if side is not None and is_integer_otherwise(side) else side for side in given)
    if stated != (None, None) and size is not None and stated != size:
        raise UserError(
            f"'width' and 'height' say {given[0]}x{given[1]}, but the picture is {size[0]}x{size[1]} as a viewer "
            "shows it; boxes are in its pixels"
        )


_upright_size = lru_cache(maxsize=4096)(upright_size)  # lines about one picture stand together


def _check_box(box: Box, value: Any, size: Size, told: str | None) -> None:
    """Refuse a box without area in its picture, and one that tells of other coordinates unless they are told."""
    if box[0] >= box[2] or box[1] >= box[3]:
        raise UserError(f"box {value!r} has no area as {told or _FORM}; x1 < x2 and y1 < y2, width and height above 0")
    if told is None and in_one_pixel(box):
        raise UserError(f"box {value!r} lies in one pixel; boxes are in pixels, not in shares of the picture")
    seen = part_within(box, size) is not None
    if not seen or (told is None and reaches_out(box, size)):
        remedy = f", and --bbox {_FORM} has them cut at its edges" if seen else ""
        raise UserError(
            f"box {value!r} reaches out of the picture, which is {size[0]}x{size[1]}; boxes are in its pixels{remedy}"
        )
