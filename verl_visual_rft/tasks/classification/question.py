# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A classification question about a picture of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verl_visual_rft.tasks.classification.prompt import (
    classification_answer,
    classification_prompt,
    classification_stub,
)
from verl_visual_rft.tasks.question import Asked, Question, Space


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
