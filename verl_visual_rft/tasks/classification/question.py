# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A classification question about a picture of a dataset."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.labels import match_closed_set
from verl_visual_rft.prompts import PLACEHOLDER
from verl_visual_rft.tasks.classification.prompt import (
    classification_answer,
    classification_prompt,
    classification_stub,
)
from verl_visual_rft.tasks.question import Asked, Question, Space

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ClassSet:
    """The classes of a dataset and how a question about them is worded.

    Attributes:
        names: The closed set, in the order of the labels.
        container: What the pictures show, "a plant".
        asked: What is asked for, "the species of the plant".
        aliases: Other names of classes: class name -> names.
    """

    names: tuple[str, ...]
    container: str
    asked: str
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClassificationQuestion(Question):
    """The class of one picture.

    Attributes:
        label: Index of its class in ``classes.names``.
        classes: The classes of the dataset.
    """

    task = "classification"

    label: int
    classes: ClassSet

    @property
    def name(self) -> str:
        """Name of the class."""
        return self.classes.names[self.label]

    @property
    def group(self) -> str:
        """Name of the class."""
        return self.name

    def ask(self, space: Space, think: bool) -> Asked:
        """Ask for the class; the model is not told which there are."""
        classes = self.classes
        aliases = {"aliases": dict(classes.aliases)} if classes.aliases else {}
        return Asked(
            prompt=classification_prompt(classes.container, classes.asked, think),
            truth={"label": self.name, "labels": classes.names, **aliases},
            answer=classification_answer(self.name),
            thinking=classification_stub(classes.asked, self.name),
            category=self.name,
            category_id=self.label,
        )


def class_set(
    names: Sequence[str], container: str, asked: str, source: Path, aliases: Mapping[str, tuple[str, ...]] | None = None
) -> ClassSet:
    """Return the closed set of a dataset after checking that its names can be told apart.

    Raises:
        UserError: There are no names, or one is empty, doubled but for case and punctuation, or holds a placeholder.
    """
    if not names:
        raise UserError(f"{source} names no class")
    for position, name in enumerate(names):
        if not name.strip():
            raise UserError(f"{source}: class {position} has an empty name")
        if _SURROGATE.search(name):
            raise UserError(f"{source}: the name of class {position} is not UTF-8: {name!r}; rename it")
        if PLACEHOLDER.search(name):
            raise UserError(f"{source}: class {name!r} contains a placeholder that veRL would replace; rename it")
    if len(set(names)) < len(names):
        (double, _), *_ = Counter(names).most_common(1)
        raise UserError(f"{source}: two classes are named {double!r}; names must be unique")
    try:
        match_closed_set(names[0], names, aliases or {})
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
    return ClassSet(tuple(names), container, asked, aliases or {})
