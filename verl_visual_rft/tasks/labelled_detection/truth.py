# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is true of a question about several categories: their objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box
from verl_visual_rft.errors import UserError
from verl_visual_rft.labels import match_closed_set
from verl_visual_rft.tasks.labelled_detection.answer import parse_labelled
from verl_visual_rft.tasks.labelled_detection.prompt import labelled_answer
from verl_visual_rft.tasks.marks import Mark, box_mark
from verl_visual_rft.tasks.reading import is_name, read_box, read_extent, read_think, unreadable
from verl_visual_rft.tasks.task import Truth

TRUTH_FORM = 'give {"categories": ["name", ...], "objects": [{"bbox_2d": [x1, y1, x2, y2], "label": "name"}, ...]}'


@dataclass(frozen=True)
class LabelledTruth(Truth):
    """The objects of some categories.

    Attributes:
        categories: All that the prompt asks for, those that are absent too.
        objects: Box ``(x1, y1, x2, y2)`` in the answer's coordinates, and category; none means that all are absent.
        extent: Upper ends of the answer's coordinates, ``(x, y)``.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    categories: tuple[str, ...]
    objects: tuple[tuple[Box, str], ...]
    extent: tuple[float, float] = EXTENT
    think: bool = True

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes of all categories."""
        return tuple(box for box, _ in self.objects)

    @property
    def solution(self) -> str:
        """The answer that says this."""
        return labelled_answer(self.objects)

    @property
    def is_negative(self) -> bool:
        """Whether none of the categories is there."""
        return not self.objects

    @property
    def claim(self) -> tuple[tuple[Box, str], ...]:
        """Its objects in whatever order they are listed."""
        return tuple(sorted(self.objects))

    @property
    def asks(self) -> str:
        """The categories, in whatever order and words the prompt lists them."""
        return "\n".join(sorted(self.categories))

    @property
    def names(self) -> tuple[str, ...]:
        """The categories."""
        return self.categories

    def marks(self) -> tuple[Mark, ...]:
        """Return its boxes with their labels."""
        return tuple(box_mark(box, label) for box, label in self.objects)

    def category_of(self, labels: Iterable[str]) -> dict[str, str | None]:
        """Return the category that each label names, by the rule of classification's closed sets; None for no one."""
        return {label: match_closed_set(label, self.categories, {}) for label in {*labels}}


def read_labelled(content: Mapping[str, Any]) -> LabelledTruth:
    """Read `TRUTH_FORM`; no objects = none of the categories is there.

    Raises:
        UserError: Categories are missing or cannot be told apart, or an object has no valid box or another label.
    """
    categories = content.get("categories")
    if not _is_list(categories) or not categories or not all(map(is_name, categories)):
        raise unreadable(content, "has no list of names under the key 'categories'", TRUTH_FORM)
    try:
        match_closed_set(categories[0], categories, {})
    except UserError as error:
        raise unreadable(content, f"has categories that cannot be told apart: {error}", TRUTH_FORM) from error
    if len({*categories}) < len(categories):
        raise unreadable(content, "names a category twice", TRUTH_FORM)
    listed = content.get("objects")
    if not _is_list(listed) or not all(isinstance(entry, Mapping) for entry in listed):
        raise unreadable(content, "has no list of objects under the key 'objects'", TRUTH_FORM)
    extent = read_extent(content, TRUTH_FORM)
    objects = []
    for entry in listed:
        if entry.get("label") not in categories:
            raise unreadable(content, f"has a label {entry.get('label')!r} that is no category of it", TRUTH_FORM)
        objects.append((read_box(entry.get("bbox_2d"), extent, TRUTH_FORM), entry["label"]))
    return LabelledTruth(tuple(categories), tuple(objects), extent, read_think(content, TRUTH_FORM))


def read_labelled_solution(text: str) -> LabelledTruth:
    """Read an answer in tags as the truth; the categories are those that it names.

    Raises:
        UserError: It is none.
    """
    answer = parse_labelled(text)
    if not answer.is_as_asked:
        raise unreadable(text, f"is no solution: {answer.reason}", TRUTH_FORM)
    categories = dict.fromkeys(label for _, label, _ in answer.objects)
    return LabelledTruth(tuple(categories), tuple((box, label) for box, label, _ in answer.objects))


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
