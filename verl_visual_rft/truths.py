# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What an answer is held against, read from the ``ground_truth`` of a row: one type for each task.

A ground truth is a mapping, its JSON text, or a published solution string ``<answer>...</answer>``. Whatever else it
is, is an error: a row whose truth cannot be read must stop the work and not teach a reward of 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeGuard

from verl_visual_rft.answers import EXTENT, Outcome, parse_classification, parse_detection, parse_grounding
from verl_visual_rft.boxes import Box
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import parse_json
from verl_visual_rft.labels import match_closed_set

#: Tasks that a row can ask for.
TASKS = ("detection", "classification", "grounding")


@dataclass(frozen=True)
class DetectionTruth:
    """The boxes of one category.

    Attributes:
        boxes: ``(x1, y1, x2, y2)`` in the answer's coordinates; none means that the object is absent.
        extent: Upper ends of the answer's coordinates, ``(x, y)``.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    boxes: tuple[Box, ...]
    extent: tuple[float, float] = EXTENT
    think: bool = True

    @property
    def solution(self) -> str:
        """The truth in the notation of the published rows."""
        if not self.boxes:
            return "<answer>No Objects</answer>"
        listed = ", ".join(f"{{'Position': [{_listed(box)}], 'Confidence': 1}}" for box in self.boxes)
        return f"<answer>[{listed}]</answer>"


@dataclass(frozen=True)
class ClassificationTruth:
    """The class of a picture.

    Attributes:
        label: Its name.
        labels: The closed set of names, ``label`` among them; empty when it is not known.
        aliases: Other names of classes: class name -> names.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    label: str
    labels: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    think: bool = True

    @property
    def solution(self) -> str:
        """The truth in the notation of the published rows."""
        return f"<answer>{self.label}</answer>"


@dataclass(frozen=True)
class GroundingTruth:
    """The one box that an instruction means.

    Attributes:
        box: ``(x1, y1, x2, y2)`` in the answer's coordinates.
        extent: Upper ends of the answer's coordinates, ``(x, y)``.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    box: Box
    extent: tuple[float, float] = EXTENT
    think: bool = True

    @property
    def solution(self) -> str:
        """The truth in the notation of the published rows."""
        x1, y1, x2, y2 = (_plain(value) for value in self.box)
        return f"<answer> ({x1},{y1}),({x2},{y2}) </answer>"


Truth = DetectionTruth | ClassificationTruth | GroundingTruth

_REMEDIES = {
    "detection": 'give {"boxes": [[x1, y1, x2, y2], ...]}',
    "classification": 'give {"label": "name"}',
    "grounding": 'give {"box": [x1, y1, x2, y2]}',
}


def read_truth(task: str, ground_truth: str | Mapping[str, Any]) -> Truth:
    """Return the typed truth of a row.

    Args:
        task: "detection", "classification" or "grounding".
        ground_truth: A mapping, the same as JSON, or a published solution string:

            - detection: ``{"boxes": [[x1, y1, x2, y2], ...]}``, no boxes = no objects;
            - classification: ``{"label": "..."}``; optional ``"labels": [...]``, the closed set, and
              ``"aliases": {"class name": ["other name", ...]}``;
            - grounding: ``{"box": [x1, y1, x2, y2]}``.

            Boxes are on the 0-1000 grid, or up to ``"extent": [x, y]`` for models that answer in other coordinates.
            ``"think": false`` says that the prompt asks for the answer alone.

    Raises:
        UserError: Unknown task, or it is none of these; a box is inverted or out of range; a label is empty.

    Example:
        >>> read_truth("detection", '{"boxes": [[1, 2, 3, 4]]}').boxes
        ((1.0, 2.0, 3.0, 4.0),)
    """
    if task not in _READERS:
        raise UserError(f"unknown task {task!r}: use one of {', '.join(TASKS)}")
    if isinstance(ground_truth, str):
        return _read_text(task, ground_truth)
    return _read_mapping(task, ground_truth)


@lru_cache(maxsize=4096)  # every rollout of a group asks for the same one
def _read_text(task: str, text: str) -> Truth:
    if "<answer>" in text:
        return _PUBLISHED[task](text)
    try:
        content = parse_json(text)
    except UserError as error:
        raise _unreadable(task, text, str(error)) from error
    return _read_mapping(task, content)


def _read_mapping(task: str, content: object) -> Truth:
    if not isinstance(content, Mapping):
        raise _unreadable(task, content, "is not a mapping")
    return _READERS[task](content)


def _detection(content: Mapping[str, Any]) -> DetectionTruth:
    boxes = content.get("boxes")
    if not isinstance(boxes, Sequence) or isinstance(boxes, str):
        raise _unreadable("detection", content, "has no list under the key 'boxes'")
    extent = _read_extent("detection", content)
    return DetectionTruth(
        tuple(_read_box("detection", box, extent) for box in boxes), extent, _read_think("detection", content)
    )


def _grounding(content: Mapping[str, Any]) -> GroundingTruth:
    if "box" not in content:
        raise _unreadable("grounding", content, "has no key 'box'")
    extent = _read_extent("grounding", content)
    return GroundingTruth(_read_box("grounding", content["box"], extent), extent, _read_think("grounding", content))


def _classification(content: Mapping[str, Any]) -> ClassificationTruth:
    label = content.get("label")
    if not _is_name(label):
        raise _unreadable("classification", content, "has no text under the key 'label'")
    labels = content.get("labels", ())
    if isinstance(labels, str) or not isinstance(labels, Sequence) or not all(map(_is_name, labels)):
        raise _unreadable("classification", content, "has something else than a list of names under 'labels'")
    if labels and label not in labels:
        raise _unreadable("classification", content, f"has a label {label!r} that is not one of its 'labels'")
    aliases = content.get("aliases", {})
    if not isinstance(aliases, Mapping) or not all(
        isinstance(names, Sequence) and not isinstance(names, str) and all(map(_is_name, names))
        for names in aliases.values()
    ):
        raise _unreadable("classification", content, "has 'aliases' that do not map a class name to a list of names")
    truth = ClassificationTruth(
        label,
        tuple(labels),
        {name: tuple(names) for name, names in aliases.items()},
        _read_think("classification", content),
    )
    try:
        match_closed_set(label, truth.labels or (label,), truth.aliases)
    except UserError as error:
        raise _unreadable("classification", content, f"has a closed set that cannot be told apart: {error}") from error
    return truth


def _published_detection(text: str) -> DetectionTruth:
    answer = parse_detection(text)
    if answer.outcome not in (Outcome.WELL_FORMED, Outcome.NO_OBJECTS):
        raise _unreadable("detection", text, f"is no published solution: {answer.reason}")
    return DetectionTruth(tuple(detection.box for detection in answer.detections))


def _published_classification(text: str) -> ClassificationTruth:
    answer = parse_classification(text)
    if answer.outcome is not Outcome.WELL_FORMED:
        raise _unreadable("classification", text, f"is no published solution: {answer.reason}")
    return ClassificationTruth(answer.label)


def _published_grounding(text: str) -> GroundingTruth:
    answer = parse_grounding(text)
    if answer.outcome is not Outcome.WELL_FORMED or answer.box is None:
        raise _unreadable("grounding", text, f"is no published solution: {answer.reason}")
    return GroundingTruth(answer.box)


_READERS: dict[str, Callable[[Mapping[str, Any]], Truth]] = {
    "detection": _detection,
    "classification": _classification,
    "grounding": _grounding,
}
_PUBLISHED: dict[str, Callable[[str], Truth]] = {
    "detection": _published_detection,
    "classification": _published_classification,
    "grounding": _published_grounding,
}


def _read_box(task: str, box: object, extent: tuple[float, float]) -> Box:
    if isinstance(box, Sequence) and len(box) == 4 and all(type(value) in (int, float) for value in box):
        x1, y1, x2, y2 = box
        if 0 <= x1 < x2 <= extent[0] and 0 <= y1 < y2 <= extent[1]:
            return (float(x1), float(y1), float(x2), float(y2))
    limits = f"0 <= x1 < x2 <= {extent[0]:g} and 0 <= y1 < y2 <= {extent[1]:g}"
    raise UserError(f"ground truth box {box!r} is not valid; {_REMEDIES[task]} with {limits}")


def _read_extent(task: str, content: Mapping[str, Any]) -> tuple[float, float]:
    extent = content.get("extent", EXTENT)
    if (
        isinstance(extent, Sequence)
        and len(extent) == 2
        and all(type(value) in (int, float) and 0 < value < math.inf for value in extent)
    ):
        return (float(extent[0]), float(extent[1]))
    raise _unreadable(task, content, "has an 'extent' that is not two positive numbers")


def _read_think(task: str, content: Mapping[str, Any]) -> bool:
    think = content.get("think", True)
    if not isinstance(think, bool):
        raise _unreadable(task, content, "has a 'think' that is neither true nor false")
    return think


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())


def _unreadable(task: str, ground_truth: object, fault: str) -> UserError:
    return UserError(f"ground truth {str(ground_truth)[:200]!r} {fault}; {_REMEDIES[task]}")


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _listed(box: Box) -> str:
    return ", ".join(_plain(value) for value in box)
