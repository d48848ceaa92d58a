# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Existence maps: what a model, mostly, says is in each picture. The published evaluation asks about nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.datasets.coco_layout import CocoDataset
from verl_visual_rft.datasets.sampling import Pair
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_json


@dataclass(frozen=True)
class ExistenceMap:
    """What is said to be in each picture."""

    source: str  #: Names the map in a message.
    #: By picture, the categories that are called present; a picture that was not looked at has no key.
    present: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, source: str, pictures: Iterable[str], present: Iterable[tuple[str, str]]) -> ExistenceMap:
        """Make a map of pictures and of the pairs of a picture and a category that is in it."""
        found: dict[str, set[str]] = {image_id: set() for image_id in pictures}
        for image_id, category in present:
            found[image_id].add(category)
        return cls(source, {image_id: frozenset(names) for image_id, names in found.items()})

    def claims(self, pair: tuple[str, str]) -> bool:
        """Whether a category is called present in a picture.

        Raises:
            UserError: The map does not know the picture.
        """
        image_id, category = pair
        if image_id not in self.present:
            raise UserError(
                f"{self.source} says nothing about image {image_id}; it was made for other pictures, make one for "
                "these (--existence self) or leave it out (--existence none)"
            )
        return category in self.present[image_id]

    def to_json(self) -> dict[str, list[str]]:
        """Return the map in the published form."""
        return {image_id: sorted(categories) for image_id, categories in self.present.items()}


def read_existence_map(path: Path) -> ExistenceMap:
    """Read a map in the published form, ``{"image id": ["category", ...]}``.

    Raises:
        UserError: The file is missing or something else.
    """
    content = read_json(path, "give an existence map")
    if not isinstance(content, dict) or not content:
        raise UserError(f'{path} is no existence map: {{"image id": ["category", ...], ...}} is expected')
    for image_id, categories in content.items():
        if not isinstance(categories, list) or not all(isinstance(name, str) for name in categories):
            raise UserError(f"{path}: image {image_id}: {categories!r} is not a list of category names")
    return ExistenceMap(str(path), {image_id: frozenset(names) for image_id, names in content.items()})


def never_claimed(stage: ExistenceMap, categories: Sequence[str]) -> list[str]:
    """Return the categories that a map calls present in no picture at all, most likely for being spelt otherwise."""
    claimed = frozenset[str]().union(*stage.present.values())
    return [name for name in categories if name not in claimed]


def claimed_pairs(
    stage: ExistenceMap, dataset: CocoDataset, image_ids: Collection[int], categories: Mapping[int, str]
) -> list[Pair]:
    """Return the pairs of some pictures and categories that a map calls present, in the order of their ids.

    Raises:
        UserError: The map says nothing about one of the pictures, or calls none of the categories present in them.
    """
    unknown = sorted(image_id for image_id in image_ids if str(image_id) not in stage.present)
    if unknown:
        raise UserError(
            f"{stage.source} says nothing about {len(unknown)} of the {len(image_ids)} pictures of {dataset.path}, "
            f"image {unknown[0]} for one; give a map of all of them"
        )
    pairs = [
        Pair(image_id, category_id)
        for image_id in sorted(image_ids)
        for category_id, name in sorted(categories.items())
        if name in stage.present[str(image_id)]
    ]
    if not pairs:
        raise UserError(
            f"{stage.source} calls none of the categories to evaluate present in a picture of {dataset.path}; are they "
            f"spelt otherwise? They are {', '.join(map(repr, list(categories.values())[:5]))}, ..."
        )
    return pairs


def claims_left_out(stage: ExistenceMap, dataset: CocoDataset, categories: Collection[str]) -> list[Skip]:
    """Return what a map says about pictures and categories that the annotations do not have.

    Args:
        stage: The map.
        dataset: The annotations.
        categories: Names of the categories to evaluate; pictures of the map that claim none of them are no loss.
    """
    images = {str(image_id) for image_id in dataset.images}
    known = {category.name for category in dataset.categories.values()}
    evaluated, source = frozenset(categories), Path(stage.source).name
    foreign = sorted(frozenset[str]().union(*stage.present.values()) - known)
    unseen = sorted(
        image_id for image_id, names in stage.present.items() if image_id not in images and names & evaluated
    )
    return [
        *(Skip("category of the map that the annotations do not have", f"{source}: {name!r}") for name in foreign),
        *(Skip("picture of the map that the annotations do not have", f"{source}: image {name}") for name in unseen),
    ]
