# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The truth about detection questions as a COCO dictionary, which evaluation reads beside the parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.question import Question


def category_names(questions: Sequence[Question]) -> dict[int, str]:
    """Return id -> name of the categories that are asked for, in the order of the ids.

    Raises:
        UserError: An id stands for two categories, or a category has two ids.
    """
    asked = sorted({(q.category_id, q.category) for q in questions if isinstance(q, DetectionQuestion)})
    names = dict(asked)
    if len(names) < len(asked) or len(set(names.values())) < len(asked):
        ids, texts = Counter(number for number, _ in asked), Counter(name for _, name in asked)
        clashes = [f"{name!r} is {number}" for number, name in asked if ids[number] > 1 or texts[name] > 1]
        raise UserError(
            "the annotation files of train and val number their categories differently "
            f"({', '.join(clashes[:6])}); give both the same ids"
        )
    return names


def coco_truth(
    questions: Sequence[Question], kept: Mapping[str, Placement], categories: Mapping[int, str]
) -> dict[str, Any]:
    """Return the boxes of the detection questions among ``questions`` in COCO format.

    Args:
        questions: Questions of any tasks.
        kept: By id, where annotations lie in the pictures that were kept; questions about others are left out.
        categories: Id -> name of all categories of the data set.

    Returns:
        ``images`` (the id is the picture's, a text), ``annotations`` (boxes in pixels of the stored picture) and
        ``categories``.
    """
    asked = [q for q in questions if isinstance(q, DetectionQuestion) and q.picture.id in kept]
    names = {question.picture.id: question.picture.name for question in asked}
    boxes = [(question, kept[question.picture.id].box(box)) for question in asked for box in question.boxes]
    return {
        "info": {},
        "images": [
            {"id": key, "file_name": name, "width": kept[key].size[0], "height": kept[key].size[1]}
            for key, name in names.items()
        ],
        "annotations": [
            {
                "id": number,
                "image_id": question.picture.id,
                "category_id": question.category_id,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": 0,
            }
            for number, (question, (x1, y1, x2, y2)) in enumerate(boxes, start=1)
        ],
        "categories": [{"id": number, "name": name} for number, name in categories.items()],
    }
