# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Truths and predicted boxes in the form that COCO's evaluators want."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

#: LVIS keeps this many boxes of a picture, whatever their categories: those with the highest confidences.
LVIS_BOXES = 300


@dataclass(frozen=True)
class EvaluatedBoxes:
    """Truths and predictions of some categories.

    Pictures are numbered from 1 in the order of their ids, which decides between boxes of equal confidence, because the
    evaluators take integers only. Annotations are numbered from 1, because 0 means "no match" there.

    Attributes:
        truth: COCO or LVIS dictionary; the evaluators may write into it.
        boxes: Predictions, dictionaries ``image_id``, ``category_id``, ``bbox`` and ``score``.
    """

    truth: dict[str, Any]
    boxes: list[dict[str, Any]]


def is_federated(annotations: dict[str, Any]) -> bool:
    """Whether the pictures list the categories that were looked for in vain, as those of LVIS do."""
    return bool(annotations["images"]) and all("neg_category_ids" in image for image in annotations["images"])


def evaluated_boxes(
    annotations: dict[str, Any], boxes: Sequence[dict[str, Any]], category_ids: Collection[int]
) -> EvaluatedBoxes:
    """Copy the truths and predictions of some categories.

    Args:
        annotations: COCO dictionary with pixel boxes ``[x, y, width, height]``, ``area`` and, where there are crowds,
            ``iscrowd``; or LVIS dictionary. Picture ids may be text.
        boxes: Dictionaries ``image_id``, ``category_id``, ``bbox`` (same form) and ``score``.
        category_ids: Categories to evaluate.

    Raises:
        KeyError: A box or an annotation belongs to a picture that the annotations do not list.
    """
    wanted = set(category_ids)
    images = sorted(annotations["images"], key=lambda image: (isinstance(image["id"], str), image["id"]))
    numbers = {image["id"]: number for number, image in enumerate(images, start=1)}
    truths = [annotation for annotation in annotations["annotations"] if annotation["category_id"] in wanted]
    return EvaluatedBoxes(
        truth={
            "images": [{**image, "id": numbers[image["id"]]} for image in images],
            "annotations": [
                {
                    "id": number,
                    "image_id": numbers[truth["image_id"]],
                    "category_id": truth["category_id"],
                    "bbox": truth["bbox"],
                    "area": truth["area"],
                    "iscrowd": truth.get("iscrowd", 0),
                }
                for number, truth in enumerate(truths, start=1)
            ],
            "categories": [category for category in annotations["categories"] if category["id"] in wanted],
        },
        boxes=[
            {
                "image_id": numbers[box["image_id"]],
                "category_id": box["category_id"],
                "bbox": box["bbox"],
                "score": box["score"],
            }
            for box in boxes
            if box["category_id"] in wanted
        ],
    )


def strongest(boxes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the `LVIS_BOXES` boxes with the highest scores of each picture; of equal scores the first."""
    by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for box in boxes:
        by_image[box["image_id"]].append(box)
    return [box for kept in by_image.values() for box in sorted(kept, key=lambda box: -box["score"])[:LVIS_BOXES]]
