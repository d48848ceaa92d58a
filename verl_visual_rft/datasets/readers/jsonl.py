# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One's own questions in a JSON-lines file: one question a line, tasks in any mixture.

    {"image": "photos/1.jpg", "task": "detection", "category": "cup", "boxes": [[12, 40, 96, 130]]}
    {"image": "photos/1.jpg", "task": "classification", "label": "kitchen"}
    {"image": "photos/1.jpg", "task": "grounding", "instruction": "what one drinks from", "box": [12, 40, 96, 130]}

``image`` is relative to the file's folder. Boxes are ``[x1, y1, x2, y2]`` in pixels of the picture as a viewer shows it
(EXIF orientation applied); no boxes mean that the category is absent. ``reward`` may name the reward of a line. A JSON
array of such objects is read as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from verl_visual_rft.coordinates import Box, Size
from verl_visual_rft.datasets.box_forms import CUT, Entry, corners_of, reaches_out, require_form
from verl_visual_rft.datasets.doubled_boxes import DOUBLED, doubled_boxes
from verl_visual_rft.datasets.file_names import RESPELT, find_file
from verl_visual_rft.datasets.readers.classification import class_set
from verl_visual_rft.datasets.skips import Mend
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import upright_size
from verl_visual_rft.input_files import is_finite_number, numbered_lines, parse_json, read_json
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.question import Picture, Question

#: The keys of each task beside ``image`` and ``task``.
KEYS = {"detection": ("category", "boxes"), "classification": ("label",), "grounding": ("instruction", "box")}
_OPTIONAL = ("reward", "id", "width", "height")
_PLACEHOLDERS = ("<image>", "<video>", "<audio>")  # veRL replaces them wherever they stand in a prompt
_FORM = "xyxy"
_SHOWN = 10


@dataclass(frozen=True)
class JsonLines:
    """What JSON-lines files ask.

    Attributes:
        splits: By split, its questions in the order of the lines.
        classes: The closed set: all labels of all files; empty when nothing is to be classified.
        categories: All categories of all files in alphabetical order; their ids count from 1.
        mends: What was put right.
    """

    splits: Mapping[str, tuple[Question, ...]]
    classes: ClassSet
    categories: tuple[str, ...]
    mends: tuple[Mend, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    task: str
    picture: Picture
    text: str  # the category, label or instruction
    boxes: tuple[Box, ...]
    reward: str | None
    mends: tuple[Mend, ...]


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
    lines = {split: _File(path, folders[split], base, bbox).read() for split, path in paths.items()}
    every = [line for split in lines.values() for line in split]
    labels = sorted({line.text for line in every if line.task == "classification"})
    source = next(iter(files.values()))
    classes = class_set(labels, container, asked, source) if labels else ClassSet((), container, asked)
    categories = tuple(sorted({line.text for line in every if line.task == "detection"}))
    ids = {name: number for number, name in enumerate(categories, start=1)}
    numbers = {name: number for number, name in enumerate(classes.names)}
    splits = {
        split: tuple(_question(line, classes, numbers, ids) for line in listed) for split, listed in lines.items()
    }
    return JsonLines(splits, classes, categories, tuple(mend for line in every for mend in line.mends))


@dataclass
class _File:
    """A file, the folder of its pictures, what their names are relative to, and how boxes are written, if told."""

    path: Path
    folder: Path
    base: Path
    told: str | None
    boxes: list[Entry] = field(default_factory=list)

    def read(self) -> list[_Line]:
        lines: list[_Line] = []
        asked: dict[tuple[str, ...], int] = {}
        problems: list[str] = []
        for number, value in _values(self.path):
            try:
                line = self._line(value, f"{self.path.name}: line {number}")
                key = _asked(line)
                if key in asked:
                    raise UserError(f"asks the same of the same picture as line {asked[key]}")
            except UserError as error:
                problems.append(f"  line {number}: {error}")
            else:
                asked[key] = number
                lines.append(line)
        if problems:
            more = f"\n  ... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
            listed = "\n".join([*problems[:_SHOWN]]) + more + self._as_a_whole()
            raise UserError(f"{self.path}: {len(problems)} lines are no questions:\n{listed}")
        if not lines:
            raise UserError(f"{self.path} has no line")
        self._require_form()
        return lines

    def _require_form(self) -> None:
        require_form(self.told or _FORM, self.boxes, str(self.path), told=self.told is not None)

    def _as_a_whole(self) -> str:
        """What all boxes of the file say of how they are written, where that is something else."""
        try:
            self._require_form()
        except UserError as error:
            return f"\n{error}"
        return ""

    def _line(self, value: Any, where: str) -> _Line:
        content = parse_json(value) if isinstance(value, str) else value
        if not isinstance(content, dict):
            raise UserError(f"is {type(content).__name__}, not an object")
        task = content.get("task")
        if not isinstance(task, str) or task not in KEYS:
            raise UserError(f"'task' is {task!r}, not one of {', '.join(KEYS)}")
        mends: list[Mend] = []
        if task == "grounding" and (content := _one_or_several(content))["task"] == "detection":
            task = "detection"
            mends.append(Mend("instruction with several boxes, asked as detection", where))
        _check_keys(task, content)
        below, respelt = self._image(content["image"])
        if respelt:
            mends.append(Mend(RESPELT, f"{where}: {content['image']!r} is {below.as_posix()!r}"))
        path = self.folder / below
        size = _upright_size(path)
        _check_stated_size(content, size)
        name = path.relative_to(self.base).as_posix()
        picture = Picture(name, path, name, size, folder=self.folder)
        text_key, *box_keys = KEYS[task]
        drawn = [self._box(box, size) for box in _listed_boxes(content, box_keys)]
        if size is not None:  # else there is no picture: the line is left out where its pixels are read
            mends += [Mend(CUT, f"{where}: {b} in {size[0]}x{size[1]}") for b in drawn if reaches_out(b, size)]
        listed = [_cut(box, size) for box in drawn] if size is not None else drawn
        doubled = doubled_boxes(dict(enumerate(listed)))
        mends += [Mend(DOUBLED, f"{where}: {listed[number]}") for number in sorted(doubled)]
        kept = tuple(box for number, box in enumerate(listed) if number not in doubled)
        reward = _text(content, "reward") if "reward" in content else None
        return _Line(task, picture, _text(content, text_key), kept, reward, tuple(mends))

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

    def _box(self, value: Any, size: Size | None) -> Box:
        if not isinstance(value, list) or len(value) != 4 or not all(is_finite_number(number) for number in value):
            raise UserError(f"box {value!r} is not four finite numbers [x1, y1, x2, y2]")
        a, b, c, d = map(float, value)
        if size is None:
            return a, b, c, d
        self.boxes.append(Entry((a, b, c, d), size))
        box = corners_of(self.told or _FORM, (a, b, c, d), size)
        _check_box(box, value, size, self.told)
        return box


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


def _one_or_several(content: dict[str, Any]) -> dict[str, Any]:
    """Return a grounding line with its one box; one that lists several boxes or none as the question of detection."""
    boxes: Any = content.get("boxes", content.get("box"))
    listed = isinstance(boxes, list) and all(isinstance(box, list) for box in boxes)
    if {"box", "boxes"} <= content.keys() or not listed or boxes == content.get("box") == []:
        return content  # the checks say what is wrong with it
    others = {key: value for key, value in content.items() if key not in ("box", "boxes")}
    if len(boxes) == 1:
        return others | {"box": boxes[0]}
    _check_keys("grounding", others | {"box": boxes})  # errors name the keys of the line, not those it is given here
    category = _text(others, "instruction")
    del others["instruction"]
    return others | {"task": "detection", "category": category, "boxes": boxes}


def _check_keys(task: str, content: Mapping[str, Any]) -> None:
    expected = ("image", "task", *KEYS[task])
    missing = [key for key in expected if key not in content]
    unknown = [key for key in content if key not in (*expected, *_OPTIONAL)]
    if missing or unknown:
        problems = [f"no key {key!r}" for key in missing] + [f"unknown key {key!r}" for key in unknown]
        optional = ", ".join(map(repr, _OPTIONAL))
        raise UserError(f"{', '.join(problems)}; a {task} line has {', '.join(expected)}, and may have {optional}")


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content[key]
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{key!r} is {value!r}, not a text")
    if any(placeholder in value for placeholder in _PLACEHOLDERS):
        raise UserError(f"{key!r} {value!r} contains a placeholder that veRL would replace by an image")
    return value


def _check_stated_size(content: Mapping[str, Any], size: Size | None) -> None:
    stated = (content.get("width"), content.get("height"))
    if stated != (None, None) and size is not None and stated != size:
        raise UserError(
            f"'width' and 'height' say {stated[0]}x{stated[1]}, but the picture is {size[0]}x{size[1]} as a viewer "
            "shows it; boxes are in its pixels"
        )


_upright_size = lru_cache(maxsize=4096)(upright_size)  # lines about one picture stand together


def _listed_boxes(content: Mapping[str, Any], keys: list[str]) -> list[Any]:
    if keys == ["box"]:
        return [content["box"]]
    listed = content["boxes"] if keys else []
    if not isinstance(listed, list):
        raise UserError(f"'boxes' is {listed!r}, not a list of boxes [[x1, y1, x2, y2], ...]")
    return listed


def _check_box(box: Box, value: Any, size: Size, told: str | None) -> None:
    """Refuse a box without area in its picture, and one that tells of other coordinates unless they are told."""
    if not _has_area(box):
        raise UserError(f"box {value!r} has no area as {told or _FORM}; x1 < x2 and y1 < y2, width and height above 0")
    if told is None and min(box) >= 0 and max(box) <= 1:
        raise UserError(f"box {value!r} lies in one pixel; boxes are in pixels, not in shares of the picture")
    seen = _has_area(_cut(box, size))
    if not seen or (told is None and reaches_out(box, size)):
        remedy = f", and --bbox {_FORM} has them cut at its edges" if seen else ""
        raise UserError(
            f"box {value!r} reaches out of the picture, which is {size[0]}x{size[1]}; boxes are in its pixels{remedy}"
        )


def _has_area(box: Box) -> bool:
    return box[0] < box[2] and box[1] < box[3]


def _cut(box: Box, size: Size) -> Box:
    return max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(size[0])), min(box[3], float(size[1]))


def _asked(line: _Line) -> tuple[str, ...]:
    """What a second line may not ask again: a picture has one class, but boxes of many categories."""
    return (line.picture.id, line.task) + (() if line.task == "classification" else (line.text,))


def _question(line: _Line, classes: ClassSet, numbers: Mapping[str, int], category_ids: Mapping[str, int]) -> Question:
    if line.task == "detection":
        return DetectionQuestion(line.picture, line.text, category_ids[line.text], line.boxes, reward=line.reward)
    if line.task == "classification":
        return ClassificationQuestion(line.picture, numbers[line.text], classes, reward=line.reward)
    return GroundingQuestion(line.picture, line.text, line.boxes[0], reward=line.reward)
