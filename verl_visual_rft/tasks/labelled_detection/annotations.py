# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The truth about questions in JSON lines as a COCO dictionary, which evaluation reads beside the parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.tasks.detection.annotations import coco_truth
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.labelled_detection.question import LabelledQuestion
from verl_visual_rft.tasks.question import Question

#: The file of the truth; detection's has another name, so that a data set may ask both.
ANNOTATIONS = "val_labelled_annotations.json"


def category_names(questions: Sequence[Question]) -> list[str]:
    """Return all categories that are asked for, in alphabetical order."""
    asked = [question for question in questions if isinstance(question, LabelledQuestion)]
    return sorted({name for question in asked for name in question.categories})


def labelled_truth(
    questions: Sequence[Question], kept: Mapping[str, Placement], categories: Sequence[str]
) -> dict[str, Any]:
    """Return the objects of the questions among ``questions`` in COCO format, categories numbered from 1.

    Args:
        questions: Questions of any tasks.
        kept: By id, where annotations lie in the pictures that were kept; questions about others are left out.
        categories: Names of all categories of the data set.
    """
    numbers = {name: number for number, name in enumerate(categories, start=1)}
    asked = [
        DetectionQuestion(
            question.picture, name, numbers[name], tuple(b for b, label in question.objects if label == name)
        )
        for question in questions
        if isinstance(question, LabelledQuestion)
        for name in question.categories
    ]
    return coco_truth(asked, kept, {number: name for name, number in numbers.items()})
