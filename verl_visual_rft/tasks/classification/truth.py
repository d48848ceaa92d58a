# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is true of a classification question: the class of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verl_visual_rft.answers import Outcome
from verl_visual_rft.errors import UserError
from verl_visual_rft.labels import match_closed_set
from verl_visual_rft.tasks.classification.answer import parse_classification
from verl_visual_rft.tasks.marks import Mark, text_mark
from verl_visual_rft.tasks.reading import is_name, read_think, unreadable
from verl_visual_rft.tasks.task import Truth

TRUTH_FORM = 'give {"label": "name"}'


@dataclass(frozen=True)
class ClassificationTruth(Truth):
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

    @property
    def claim(self) -> str:
        """Its name."""
        return self.label

    @property
    def asks(self) -> str:
        """The closed set: a picture has one class of it, however the prompt asks for it and lists the set."""
        return "\n".join(sorted(self.labels))

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and those of the closed set."""
        return (self.label, *self.labels)

    def marks(self) -> tuple[Mark, ...]:
        """Return its name."""
        return (text_mark(self.label),)

    def in_words(self) -> str:
        """Return its name and of how many it is one."""
        return f"{self.label}, one of {len(self.labels)} classes" if self.labels else self.label


def read_classification(content: Mapping[str, Any]) -> ClassificationTruth:
    """Read ``{"label": "..."}``; optional ``"labels": [...]``, ``"aliases": {"class name": ["other name", ...]}``.

    Raises:
        UserError: There is no label, it is not one of the labels, or names cannot be told apart.
    """
    label = content.get("label")
    if not is_name(label):
        raise unreadable(content, "has no text under the key 'label'", TRUTH_FORM)
    labels = content.get("labels", ())
    if isinstance(labels, str) or not isinstance(labels, Sequence) or not all(map(is_name, labels)):
        raise unreadable(content, "has something else than a list of names under 'labels'", TRUTH_FORM)
    if labels and label not in labels:
        raise unreadable(content, f"has a label {label!r} that is not one of its 'labels'", TRUTH_FORM)
    aliases = content.get("aliases", {})
    if not isinstance(aliases, Mapping) or not all(
        isinstance(names, Sequence) and not isinstance(names, str) and all(map(is_name, names))
        for names in aliases.values()
    ):
        raise unreadable(content, "has 'aliases' that do not map a class name to a list of names", TRUTH_FORM)
    truth = ClassificationTruth(
        label, tuple(labels), {name: tuple(names) for name, names in aliases.items()}, read_think(content, TRUTH_FORM)
    )
    try:
        match_closed_set(label, truth.labels or (label,), truth.aliases)
    except UserError as error:
        raise unreadable(content, f"has a closed set that cannot be told apart: {error}", TRUTH_FORM) from error
    return truth


def read_classification_solution(text: str) -> ClassificationTruth:
    """Read a published solution.

    Raises:
        UserError: It is none.
    """
    answer = parse_classification(text)
    if answer.outcome is not Outcome.WELL_FORMED:
        raise unreadable(text, f"is no published solution: {answer.reason}", TRUTH_FORM)
    return ClassificationTruth(answer.label)
