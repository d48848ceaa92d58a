# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One's own questions in a JSON-lines file: one question a line, tasks in any mixture.

    {"image": "photos/1.jpg", "task": "detection", "category": "cup", "boxes": [[12, 40, 96, 130]]}
    {"image": "photos/1.jpg", "task": "classification", "label": "kitchen"}
    {"image": "photos/1.jpg", "task": "grounding", "instruction": "what one drinks from", "box": [12, 40, 96, 130]}

``image`` is relative to the file's folder. Boxes are ``[x1, y1, x2, y2]`` in pixels of the picture as a viewer shows it
(EXIF orientation applied); no boxes mean that the category is absent. ``reward`` may name the reward of a line.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import ExifTags

from verl_visual_rft.coordinates import Box, Size
from verl_visual_rft.datasets.questions import (
    ClassificationQuestion,
    ClassSet,
    DetectionQuestion,
    GroundingQuestion,
    Picture,
    Question,
)
from verl_visual_rft.datasets.readers.classification import class_set
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import open_picture
from verl_visual_rft.input_files import numbered_lines, parse_json

#: The keys of each task beside ``image`` and ``task``.
KEYS = {"detection": ("category", "boxes"), "classification": ("label",), "grounding": ("instruction", "box")}
_OPTIONAL = ("reward",)
_PLACEHOLDERS = ("<image>", "<video>", "<audio>")  # veRL replaces them wherever they stand in a prompt
_EDGE = 1.0  # pixels by which boxes may overshoot the picture, as rounding leaves them
_SHOWN = 10


@dataclass(frozen=True)
class JsonLines:
    """What JSON-lines files ask.

    Attributes:
        splits: By split, its questions in the order of the lines.
        classes: The closed set: all labels of all files; empty when nothing is to be classified.
        categories: All categories of all files in alphabetical order; their ids count from 1.
    """

    splits: Mapping[str, tuple[Question, ...]]
    classes: ClassSet
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    task: str
    picture: Picture
    text: str  # the category, label or instruction
    boxes: tuple[Box, ...]
    reward: str | None


def read_jsonl(files: Mapping[str, Path], container: str, asked: str) -> JsonLines:
    """Read and check the files of one data set.

    Args:
        files: By split, its file.
        container: What pictures to classify show, "a plant".
        asked: What is asked of them, "the species of the plant".

    Raises:
        UserError: A file cannot be read or has no line; or lines are no questions, each of the first ten with its
            number and what is wrong.
    """
    paths = {split: Path(os.path.abspath(path)) for split, path in files.items()}
    base = Path(os.path.commonpath([path.parent for path in paths.values()]))
    lines = {split: _read_file(path, base) for split, path in paths.items()}
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
    return JsonLines(splits, classes, categories)


def _read_file(path: Path, base: Path) -> list[_Line]:
    lines: list[_Line] = []
    asked: dict[tuple[str, ...], int] = {}
    problems: list[str] = []
    for number, text in numbered_lines(path, "give a file of JSON lines"):
        try:
            line = _read_line(text, path.parent, base)
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
        raise UserError(f"{path}: {len(problems)} lines are no questions:\n" + "\n".join(problems[:_SHOWN]) + more)
    if not lines:
        raise UserError(f"{path} has no line")
    return lines


def _read_line(text: str, folder: Path, base: Path) -> _Line:
    content = parse_json(text)
    if not isinstance(content, dict):
        raise UserError(f"is {type(content).__name__}, not an object")
    task = content.get("task")
    if not isinstance(task, str) or task not in KEYS:
        raise UserError(f"'task' is {task!r}, not one of {', '.join(KEYS)}")
    _check_keys(task, content)
    path = _image_path(content["image"], folder)
    size = _upright_size(path)
    name = path.relative_to(base).as_posix()
    text_key, *box_keys = KEYS[task]
    listed = _listed_boxes(content, box_keys)
    boxes = tuple(_box(value, size) for value in listed)
    reward = _text(content, "reward") if "reward" in content else None
    return _Line(task, Picture(name, path, name, size, folder=folder), _text(content, text_key), boxes, reward)


def _check_keys(task: str, content: Mapping[str, Any]) -> None:
    expected = ("image", "task", *KEYS[task])
    missing = [key for key in expected if key not in content]
    unknown = [key for key in content if key not in (*expected, *_OPTIONAL)]
    if missing or unknown:
        problems = [f"no key {key!r}" for key in missing] + [f"unknown key {key!r}" for key in unknown]
        raise UserError(f"{', '.join(problems)}; a {task} line has {', '.join(expected)}, and may have 'reward'")


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content[key]
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{key!r} is {value!r}, not a text")
    if any(placeholder in value for placeholder in _PLACEHOLDERS):
        raise UserError(f"{key!r} {value!r} contains a placeholder that veRL would replace by an image")
    return value


def _image_path(value: Any, folder: Path) -> Path:
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"'image' is {value!r}, not a path")
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or "\0" in value or not path.name:
        raise UserError(f"'image' {value!r} is no path inside the folder of the file")
    return folder / path


@lru_cache(maxsize=4096)  # lines about one picture stand together
def _upright_size(path: Path) -> Size | None:
    try:
        with open_picture(path) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
            return (image.height, image.width) if turned else image.size
    except Exception:  # missing or no picture: it is left out and listed where its bytes are read
        return None


def _listed_boxes(content: Mapping[str, Any], keys: list[str]) -> list[Any]:
    if keys == ["box"]:
        return [content["box"]]
    listed = content["boxes"] if keys else []
    if not isinstance(listed, list):
        raise UserError(f"'boxes' is {listed!r}, not a list of boxes [[x1, y1, x2, y2], ...]")
    return listed


def _box(value: Any, size: Size | None) -> Box:
    if not isinstance(value, list) or len(value) != 4 or not all(_is_finite(number) for number in value):
        raise UserError(f"box {value!r} is not four finite numbers [x1, y1, x2, y2]")
    x1, y1, x2, y2 = (float(number) for number in value)
    if not (x1 < x2 and y1 < y2):
        raise UserError(f"box {value!r} has no area; boxes are [x1, y1, x2, y2] with x1 < x2 and y1 < y2")
    if 0 <= x1 and 0 <= y1 and x2 <= 1 and y2 <= 1:
        raise UserError(f"box {value!r} lies in one pixel; boxes are in pixels, not in shares of the picture")
    if size is None:
        return x1, y1, x2, y2
    width, height = size
    cut = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    overshoot = max(-x1, -y1, x2 - width, y2 - height)
    if overshoot > _EDGE or not (cut[0] < cut[2] and cut[1] < cut[3]):
        raise UserError(f"box {value!r} reaches out of the picture, which is {width}x{height}; boxes are in its pixels")
    return cut


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _asked(line: _Line) -> tuple[str, ...]:
    """What a second line may not ask again: a picture has one class, but boxes of many categories."""
    return (line.picture.id, line.task) + (() if line.task == "classification" else (line.text,))


def _question(line: _Line, classes: ClassSet, numbers: Mapping[str, int], category_ids: Mapping[str, int]) -> Question:
    if line.task == "detection":
        return DetectionQuestion(line.picture, line.text, category_ids[line.text], line.boxes, reward=line.reward)
    if line.task == "classification":
        return ClassificationQuestion(line.picture, numbers[line.text], classes, reward=line.reward)
    return GroundingQuestion(line.picture, line.text, line.boxes[0], reward=line.reward)
