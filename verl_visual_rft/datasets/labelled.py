# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A dataset in COCO layout as questions about all categories of a list at once, one for each picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from verl_visual_rft.boxes import Box
from verl_visual_rft.coordinates import Placement
from verl_visual_rft.datasets import sampling
from verl_visual_rft.datasets.coco_layout import CocoDataset, CocoPaths
from verl_visual_rft.datasets.coco_reading import read_coco
from verl_visual_rft.datasets.detection import Selection, category_groups, evaluated_annotations, present_images
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.sampling import ONLY_CROWDS, PairIndex
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.datasets.upright import require_way_up
from verl_visual_rft.errors import UserError
from verl_visual_rft.labels import match_closed_set
from verl_visual_rft.tasks.labelled_detection.annotations import ANNOTATIONS
from verl_visual_rft.tasks.labelled_detection.question import LabelledQuestion

#: The rule under which a picture is left out of which is not known whether it shows a category of the prompt.
KIN = "a category above or below one that it shows is asked for"


@dataclass(frozen=True)
class _Split:
    """A split's pictures, as far as they can be asked about all categories."""

    dataset: CocoDataset  #: The annotations.
    folder: Path  #: Of the pictures.
    categories: Mapping[int, str]  #: Id -> name of those that are asked for, in the order of the prompt.
    index: PairIndex  #: Its pairs of pictures that can be asked about.
    shown: Sequence[int]  #: Pictures that show one of the categories.
    empty: Sequence[int]  #: Pictures that show none.
    skips: Sequence[Skip]  #: What cannot be asked.

    def questions(self, images: Iterable[int]) -> list[LabelledQuestion]:
        """Ask about each image in turn."""
        objects: dict[int, list[tuple[Box, str]]] = defaultdict(list)
        for pair, boxes in sorted(self.index.boxes.items()):
            objects[pair.image_id] += [(box, self.categories[pair.category_id]) for box in boxes]
        names = tuple(self.categories.values())
        return [
            LabelledQuestion(self.dataset.picture(image_id, self.folder), names, tuple(objects[image_id]))
            for image_id in images
        ]


def prepare_labelled(paths: CocoPaths, selection: Selection, options: PrepareOptions, out: Path) -> Manifest:
    """Write train.parquet, sft_train.parquet, val.parquet, val_labelled_annotations.json and manifest.json to ``out``.

    Every prompt asks for all of ``selection.base_categories`` (None: all that either file annotates). Training pictures
    are ``rows`` drawn ones, or few-shot those of the shots of each category, or all that show one, and ``negatives``
    that show none. A picture with a crowd of a category is no training picture. Validation asks about every picture,
    those that show none too, and AP ignores what falls on crowds, as COCO's protocol has it.

    Raises:
        UserError: Bad input, more rows or shots than there are, or an output folder that cannot be written.
    """
    train_data = read_coco(paths.train_annotations, paths.train_images, selection.reading)
    val_data = read_coco(paths.val_annotations, paths.val_images, selection.reading)
    names, _, unused = category_groups(train_data, val_data, selection)
    try:
        match_closed_set(names[0], names, {})
    except UserError as error:
        raise UserError(f"{paths.train_annotations}: answers could not tell categories apart: {error}") from error
    train = _read_split(train_data, paths.train_images, names, selection, allow_crowd=False)
    val = _read_split(val_data, paths.val_images, names, selection, allow_crowd=True)
    trained = _choose_train(train, selection, options)
    asked = sorted([*val.shown, *val.empty])
    if selection.max_val_images is not None:
        asked = sorted(Random(f"val {options.seed}").sample(asked, min(selection.max_val_images, len(asked))))
    for split, images in ((train, trained), (val, asked)):
        require_way_up(split.dataset, split.folder, sorted(images), selection.reading.exif)

    def companions(kept: Mapping[str, Mapping[str, Placement]]) -> Mapping[str, Any]:
        placements = {int(image_id): placement for image_id, placement in kept["val"].items()}
        return {ANNOTATIONS: evaluated_annotations(val.dataset, val.categories, placements)}

    return prepare(
        out,
        {"train": train.questions(trained), "val": val.questions(asked)},
        options,
        "coco",
        sources=[paths.train_annotations, paths.val_annotations],
        skips=[*train.skips, *val.skips],
        details={
            "labelled_categories": [*names],
            "selection": {
                "rows": selection.rows,
                "negatives": selection.negatives,
                "max_val_images": selection.max_val_images,
                "skip_missing_images": selection.skip_missing_images,
            },
        },
        companions=companions,
        mends=(*train_data.mends, *val_data.mends, *unused),
    )


def _read_split(
    dataset: CocoDataset, folder: Path, names: Sequence[str], selection: Selection, allow_crowd: bool
) -> _Split:
    if dataset.looked_for is not None:
        raise UserError(
            f"{dataset.path} lists 'neg_category_ids': of most categories nobody knows whether a picture shows them, "
            "so they cannot be asked for in one prompt; use `visual-rft data prepare lvis`, which asks for one"
        )
    present, missing = present_images(dataset, folder, selection.skip_missing_images)
    categories = dataset.category_ids(names)
    index = sampling.index_pairs(dataset, present, categories, allow_crowd)
    # Crowds of a category are no objects of a row, and AP ignores them; but a picture of a crowd alone is not empty.
    boxed = {pair.image_id for pair in index.boxes}
    rules = {
        pair: rule
        for pair, rule in index.unusable.items()
        if not (allow_crowd and rule == ONLY_CROWDS and pair.image_id in boxed)
    } | dict.fromkeys(index.unknown, KIN)
    unusable = {pair.image_id for pair in rules}
    usable = {pair: boxes for pair, boxes in index.boxes.items() if pair.image_id not in unusable}
    shown = {pair.image_id for pair in usable}
    if not shown:
        raise UserError(f"{dataset.path}: no image with a file shows any of the categories and can be asked about")
    empty = [image_id for image_id in present if image_id not in shown and image_id not in unusable]
    skips = sampling.left_out(dataset, rules, missing)
    return _Split(dataset, folder, categories, replace(index, boxes=usable), sorted(shown), empty, skips)


def _choose_train(split: _Split, selection: Selection, options: PrepareOptions) -> list[int]:
    chosen = [*split.shown]
    count = sampling.negatives_for(len(chosen), selection.negatives)
    if options.shots is not None:
        pairs = sampling.few_shot(split.index, split.categories, options.shots, options.seed)
        chosen = sorted({pair.image_id for pair in pairs})
        count = sampling.negatives_for(len(chosen), selection.negatives)
    elif selection.rows is not None:
        count = round(selection.rows * selection.negatives)
        if selection.rows - count > len(chosen):
            raise UserError(
                f"{selection.rows - count} images with objects are more than the {len(chosen)} of {split.dataset.path} "
                "that can be asked about; ask for fewer rows, or leave --rows away for all"
            )
        chosen = Random(f"rows {options.seed}").sample(chosen, selection.rows - count)
    if count > len(split.empty):
        raise UserError(
            f"{count} negatives are more than the {len(split.empty)} images of {split.dataset.path} that show none of "
            "the categories; lower the negatives ratio or name fewer categories"
        )
    images = [*chosen, *Random(f"absent {options.seed}").sample(split.empty, count)]
    Random(f"order {options.seed}").shuffle(images)
    return images
