# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One's own boxes in a COCO file of any name: every category of every image that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.datasets.category_lists import require_known
from verl_visual_rft.datasets.coco_layout import load_coco
from verl_visual_rft.datasets.questions import DetectionQuestion, Picture, Skip
from verl_visual_rft.datasets.sampling import index_pairs
from verl_visual_rft.errors import UserError


@dataclass(frozen=True)
class CocoQuestions:
    """What a COCO file asks.

    Attributes:
        questions: In the order of image and category ids.
        categories: Names of the categories asked for.
        skips: Annotated pairs of image and category that cannot be asked.
    """

    questions: tuple[DetectionQuestion, ...]
    categories: tuple[str, ...]
    skips: tuple[Skip, ...]


def read_coco_file(annotations: Path, images: Path, names: Sequence[str] | None = None) -> CocoQuestions:
    """Read all (image, category) pairs that can be asked with a full answer.

    Pairs with a crowd or a box without area inside the image are skipped and listed; see `sampling.index_pairs`.

    Args:
        annotations: The COCO file.
        images: Folder that its file names are relative to.
        names: Categories to ask for; None for all of the file.

    Raises:
        UserError: The file is no COCO file, does not have a category, or has no usable pair; no folder ``images``.
    """
    if not images.is_dir():
        raise UserError(f"the image folder {images} does not exist")
    dataset = load_coco(annotations)
    if names is None:
        names = [category.name for _, category in sorted(dataset.categories.items())]
    require_known(names, {category.name for category in dataset.categories.values()}, str(annotations))
    categories = dataset.category_ids(names)
    index = index_pairs(dataset, dataset.images, categories, allow_crowd=False)
    if not index.boxes:
        raise UserError(f"{annotations}: no image shows any of the {len(names)} categories")
    questions = []
    for pair, boxes in sorted(index.boxes.items()):
        image = dataset.images[pair.image_id]
        picture = Picture(str(image.id), images / image.file_name, image.file_name, image.size, folder=images)
        questions.append(DetectionQuestion(picture, categories[pair.category_id], pair.category_id, boxes))
    skips = (
        Skip(rule, f"{annotations.name}: image {pair.image_id}, category {categories[pair.category_id]!r}")
        for pair, rule in sorted(index.unusable.items())
    )
    return CocoQuestions(tuple(questions), tuple(names), tuple(skips))
