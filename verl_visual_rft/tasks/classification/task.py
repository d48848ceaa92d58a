# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The classification task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from verl_visual_rft.answers import Outcome
from verl_visual_rft.labels import names_the_class
from verl_visual_rft.tasks.classification.answer import ClassificationAnswer, parse_classification
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet, class_set
from verl_visual_rft.tasks.classification.truth import (
    TRUTH_FORM,
    ClassificationTruth,
    read_classification,
    read_classification_solution,
)
from verl_visual_rft.tasks.findings import Finding
from verl_visual_rft.tasks.marks import Mark, text_mark
from verl_visual_rft.tasks.question import Line, Question
from verl_visual_rft.tasks.task import Task

_HERE = "verl_visual_rft.tasks.classification"


class Classification(Task[ClassificationTruth, ClassificationAnswer]):
    """Of which class is what the picture shows?"""

    name = "classification"
    summary = "the class of a picture, by its name"
    truth_form = TRUTH_FORM
    json_keys = ("label",)
    json_example = '"label": "kitchen"'
    quick = {"accuracy": "Accuracy"}
    accuracies = ("accuracy", "accuracy_closed_set", "accuracy_equal")
    tells_answer = True
    rewards = {
        "paper": f"{_HERE}.rewards:Paper",
        "reference": f"{_HERE}.reference:Reference",
        "robust": f"{_HERE}.rewards:Robust",
        "robust-1": f"{_HERE}.rewards:Robust1",
    }
    components = {
        "accuracy_equal": f"{_HERE}.components:AccuracyEqual",
        "accuracy_closed_set": f"{_HERE}.components:AccuracyClosedSet",
        "accuracy_contains": f"{_HERE}.components:AccuracyContains",
    }
    audit = f"{_HERE}.audit:AUDIT"
    metrics = f"{_HERE}.metrics:METRICS"

    read_truth = staticmethod(read_classification)
    read_solution = staticmethod(read_classification_solution)

    def read_line(self, line: Line) -> ClassificationQuestion:
        """Read ``label``; the closed set comes with `settle`."""
        name = line.text("label")
        return ClassificationQuestion(
            line.picture, 0, ClassSet((name,), line.container, line.asked), reward=line.reward
        )

    def settle(self, questions: Sequence[Question], source: Path) -> list[Question]:
        """Make all labels the closed set, in alphabetical order."""
        asked = [question for question in questions if isinstance(question, ClassificationQuestion)]
        if not asked:
            return []
        words = asked[0].classes
        classes = class_set(sorted({q.name for q in asked}), words.container, words.asked, source)
        numbers = {name: number for number, name in enumerate(classes.names)}
        return [replace(question, label=numbers[question.name], classes=classes) for question in asked]

    def parse(self, response: str, extent: tuple[float, float], think: bool) -> ClassificationAnswer:
        """Read the class name of a response: see `parse_classification`."""
        return parse_classification(response, think)

    def marks(self, answer: ClassificationAnswer) -> tuple[Mark, ...]:
        """Return the name that was answered, if one was."""
        return (text_mark(answer.label),) if answer.label else ()

    def says(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> bool:
        """Whether an answer is the true name."""
        return answer.outcome is Outcome.WELL_FORMED and answer.label == truth.label

    def find(self, answer: ClassificationAnswer, truth: ClassificationTruth) -> set[Finding]:
        """Whether the answer names another class, or several."""
        right = names_the_class(answer.label, truth.label, truth.labels, truth.aliases)
        return set() if right else {Finding.WRONG_CLASS}
