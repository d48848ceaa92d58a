# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Detection in COCO layout: from a checked data set and the user's choice to questions, and to a prepared folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.datasets import sampling
from verl_visual_rft.datasets.category_lists import require_known
from verl_visual_rft.datasets.coco_layout import UNUSED, CocoDataset, CocoImage, CocoPaths
from verl_visual_rft.datasets.coco_reading import CocoReading, read_coco
from verl_visual_rft.datasets.existence_map import claimed_pairs, claims_left_out, read_existence_map
from verl_visual_rft.datasets.manifest import Manifest
from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.sampling import Pair, PairIndex
from verl_visual_rft.datasets.skips import Mend, Skip
from verl_visual_rft.datasets.tally import Kept
from verl_visual_rft.datasets.upright import require_way_up
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.counting.question import CountingQuestion
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.question import Picture


@dataclass(frozen=True)
class Selection:
    """Which questions are asked."""

    #: Names that training asks for; None for all of the training file that are not novel.
    base_categories: tuple[str, ...] | None = None
    novel_categories: tuple[str, ...] = ()  #: Names that only evaluation asks for.
    #: Open vocabulary: this many training rows, drawn from all base pairs. Exactly one of rows and the shots of
    #: `PrepareOptions`.
    rows: int | None = None
    #: Share in [0, 1) of training rows whose category is absent. Few-shot negatives come from the chosen images
    #: alone, so that no further image is seen, unless these do not suffice (of one category they never do): then from
    #: images that nothing is annotated in as well, and so for validation.
    negatives: float = 0.0
    val_negatives: float = 0.0  #: Share in [0, 1) of validation rows whose category is absent.
    #: An existence map; validation asks exactly about the pairs that it calls present. None: about the pairs that
    #: show the category, and ``val_negatives``.
    val_pairs: Path | None = None
    max_val_images: int | None = None  #: Draw this many validation images; None for all.
    skip_missing_images: bool = False  #: Leave out (and count) annotated images that have no file, instead of an error.
    reading: CocoReading = CocoReading()  #: What the user says about the annotation files.
    counting: bool = False  #: Ask how many there are, not where; a pair with a crowd is left out of validation too.


@dataclass(frozen=True)
class _Split:
    """A split's annotations, the questions chosen from them, and what cannot be asked."""

    dataset: CocoDataset  #: The annotations.
    categories: Mapping[int, str]  #: Id -> name of those that are asked for.
    #: The images that evaluation is over; an existence map may leave some of them without a question.
    images: Collection[int]
    questions: Sequence[DetectionQuestion | CountingQuestion]  #: In the order of the rows.
    skips: Sequence[Skip]  #: What cannot be asked.
    broken: Collection[Pair]  #: See `PairIndex.broken`.


def prepare_detection(
    paths: CocoPaths, selection: Selection, options: PrepareOptions, out: Path, dataset: str = "coco"
) -> Manifest:
    """Write train.parquet, sft_train.parquet, val.parquet, val_annotations.json and manifest.json to ``out``.

    Of counting there is no val_annotations.json: the rows hold the whole truth.

    Raises:
        UserError: Bad input, more rows or shots than there are, or an output folder that cannot be written.
    """
    train_data = read_coco(paths.train_annotations, paths.train_images, selection.reading)
    val_data = read_coco(paths.val_annotations, paths.val_images, selection.reading)
    base, novel, unused = category_groups(train_data, val_data, selection)
    train = _choose_train(train_data, paths.train_images, base, selection, options)
    val = _choose_val(val_data, paths.val_images, (*base, *novel), selection, options.seed)

    def companions(kept: Mapping[str, Kept]) -> Mapping[str, Any]:
        if selection.counting:
            return {}
        placements = evaluated_placements(kept["val"], val.dataset, val.images, val.questions)
        truth = evaluated_annotations(val.dataset, val.categories, placements)
        return {"val_annotations.json": without_left_out(truth, kept["val"], val.questions, val.broken)}

    return prepare(
        out,
        {"train": train.questions, "val": val.questions},
        options,
        dataset,
        sources=[paths.train_annotations, paths.val_annotations, *filter(None, [selection.val_pairs])],
        skips=[*train.skips, *val.skips],
        details={
            "categories": {"base": base, "novel": novel},
            "selection": {
                "rows": selection.rows,
                "negatives": selection.negatives,
                "val_negatives": selection.val_negatives,
                "val_pairs": selection.val_pairs and selection.val_pairs.name,
                "max_val_images": selection.max_val_images,
                "skip_missing_images": selection.skip_missing_images,
                **({"counting": True} if selection.counting else {}),
            },
        },
        companions=companions,
        mends=(*train_data.mends, *val_data.mends, *unused),
    )


def evaluated_annotations(
    dataset: CocoDataset, categories: Mapping[int, str], placements: Mapping[int, Placement]
) -> dict[str, Any]:
    """Return the truth of an evaluation in COCO format: some images with all their annotations of some categories.

    Crowds are kept, because COCO's AP ignores what falls on them. Where a picture was turned upright, its size and its
    boxes are turned too.

    Args:
        dataset: The split that is evaluated.
        categories: Id -> name of the categories that are asked for.
        placements: By image id, the pictures that are asked about.
    """
    image_ids = sorted(placements)
    return {
        "info": {},
        "images": [_stored_image(dataset.images[image_id], placements[image_id]) for image_id in image_ids],
        "annotations": [
            asdict(annotation)
            | {"bbox": _stored_bbox(annotation.bbox, placements[image_id]), "iscrowd": int(annotation.iscrowd)}
            for image_id in image_ids
            for category_id in sorted(categories)
            for annotation in dataset.annotations.get((image_id, category_id), ())
        ],
        "categories": [{"id": category_id, "name": name} for category_id, name in sorted(categories.items())],
    }


def evaluated_placements(
    kept: Mapping[str, Placement],
    dataset: CocoDataset,
    image_ids: Collection[int],
    questions: Iterable[DetectionQuestion | CountingQuestion],
) -> dict[int, Placement]:
    """Return the pictures that average precision is over: those that were kept, and those that nobody asks about.

    What an unasked picture shows is missed, as in the published evaluation. A picture that was to be asked about and
    could not be used counts for nothing.
    """
    asked = {int(question.picture.id) for question in questions}
    sizes = {image_id: dataset.images[image_id].size for image_id in image_ids if image_id not in asked}
    unread = {image_id: Placement(size, size) for image_id, size in sizes.items()}
    return unread | {int(image_id): placement for image_id, placement in kept.items()}


def without_left_out(
    truth: dict[str, Any],
    kept: Kept,
    questions: Iterable[DetectionQuestion | CountingQuestion],
    broken: Collection[Pair],
) -> dict[str, Any]:
    """Return the truth of an evaluation without the objects of questions that got no row: nobody can find them.

    Args:
        truth: In COCO format.
        kept: The rows.
        questions: All that was to be asked.
        broken: Pairs that could not be asked about, for one of their boxes is empty.
    """
    left_out = {(int(asked.picture.id), asked.category_id) for asked in questions if not kept.has(asked)} | {*broken}
    found = [entry for entry in truth["annotations"] if (entry["image_id"], entry["category_id"]) not in left_out]
    return truth | {"annotations": found}


def category_groups(
    train: CocoDataset, val: CocoDataset, selection: Selection
) -> tuple[tuple[str, ...], tuple[str, ...], list[Mend]]:
    """Return the base and the novel categories, and those that are neither, for neither file annotates them."""
    novel = selection.novel_categories
    base = selection.base_categories
    unused: list[str] = []
    if base is None:
        unused = [name for name in train.unused if name in val.unused and name not in novel]
        base = tuple(name for name in train.names if name not in novel and name not in unused)
    both = sorted({*base} & {*novel})
    if both:
        raise UserError(f"{', '.join(map(repr, both))} cannot be base and novel at once")
    if not base:
        raise UserError("no base category is left to train on")
    require_known(base, train.names, str(train.path))
    require_known((*base, *novel), val.names, str(val.path))
    return base, novel, [Mend(UNUSED, f"{train.path.name}: {name!r}") for name in unused]


def _choose_train(
    dataset: CocoDataset, folder: Path, base: Sequence[str], selection: Selection, options: PrepareOptions
) -> _Split:
    present, missing = present_images(dataset, folder, selection.skip_missing_images)
    categories = dataset.category_ids(base)
    index = sampling.index_pairs(dataset, present, categories, allow_crowd=False)
    if options.shots is not None:
        positives = sampling.few_shot(index, categories, options.shots, options.seed)
        negative_count = sampling.negatives_for(len(positives), selection.negatives)
        negative_images: Collection[int] = {pair.image_id for pair in positives}
    elif selection.rows is not None:
        negative_count = round(selection.rows * selection.negatives)
        positives = sampling.open_vocabulary(index, selection.rows - negative_count, options.seed)
        negative_images = present
    else:
        raise UserError("give either rows (open vocabulary) or shots (few-shot)")
    background = _background(dataset, present)
    absent = sampling.absent(index, negative_images, categories, negative_count, options.seed, background)
    pairs = [*positives, *absent]
    Random(f"order {options.seed}").shuffle(pairs)
    return _split(dataset, folder, selection, categories, index, present, pairs, missing)


def _choose_val(
    dataset: CocoDataset, folder: Path, evaluated: Sequence[str], selection: Selection, seed: int
) -> _Split:
    present, missing = present_images(dataset, folder, selection.skip_missing_images)
    categories = dataset.category_ids(evaluated)
    index = sampling.index_pairs(dataset, present, categories, allow_crowd=not selection.counting)
    if not index.boxes:
        raise UserError(f"{dataset.path}: no image with a file shows any of the categories to evaluate")
    claims, unknown = _claims(dataset, present, categories, selection)
    images = sorted({pair.image_id for pair in (*index.boxes, *claims)})
    if selection.max_val_images is not None:
        images = sorted(Random(f"val {seed}").sample(images, min(selection.max_val_images, len(images))))
    kept = frozenset(images)
    if selection.val_pairs is not None:
        pairs = [pair for pair in claims if pair.image_id in kept and pair not in index.unusable]
    else:
        positives = [pair for pair in index.boxes if pair.image_id in kept]
        count = sampling.negatives_for(len(positives), selection.val_negatives)
        absent = sampling.absent(index, images, categories, count, seed, _background(dataset, present))
        pairs = sorted([*positives, *absent])
        images = sorted({*images, *(pair.image_id for pair in absent)})
    split = _split(dataset, folder, selection, categories, index, images, pairs, missing)
    return replace(split, skips=[*split.skips, *unknown])


def _background(dataset: CocoDataset, present: Collection[int]) -> list[int]:
    """Return the images that nothing is annotated in."""
    shown = {image_id for image_id, _ in dataset.annotations}
    return [image_id for image_id in present if image_id not in shown]


def _claims(
    dataset: CocoDataset, image_ids: Collection[int], categories: Mapping[int, str], selection: Selection
) -> tuple[list[Pair], list[Skip]]:
    """Return the pairs that the selection's existence map calls present, and what it says about something else."""
    if selection.val_pairs is None:
        return [], []
    if selection.val_negatives:
        raise UserError("--val-pairs names every validation question; leave out --val-negatives")
    stage = read_existence_map(selection.val_pairs)
    return claimed_pairs(stage, dataset, image_ids, categories), claims_left_out(stage, dataset, categories.values())


def _split(
    dataset: CocoDataset,
    folder: Path,
    selection: Selection,
    categories: Mapping[int, str],
    index: PairIndex,
    images: Collection[int],
    pairs: Sequence[Pair],
    missing: Collection[int],
) -> _Split:
    pictures = {image_id: dataset.picture(image_id, folder) for image_id in {pair.image_id for pair in pairs}}
    questions = [
        _question(pictures[pair.image_id], categories[pair.category_id], pair, index, selection.counting)
        for pair in pairs
    ]
    require_way_up(dataset, folder, sorted({pair.image_id for pair in pairs}), selection.reading.exif)
    skips = sampling.left_out(dataset, index.unusable, missing)
    return _Split(dataset, categories, images, questions, skips, index.broken)


def _question(
    picture: Picture, category: str, pair: Pair, index: PairIndex, counting: bool
) -> DetectionQuestion | CountingQuestion:
    boxes = index.boxes.get(pair, ())
    if counting:
        return CountingQuestion(picture, category, pair.category_id, len(boxes))
    return DetectionQuestion(picture, category, pair.category_id, boxes)


def present_images(dataset: CocoDataset, folder: Path, skip_missing: bool) -> tuple[list[int], frozenset[int]]:
    """Return the images that have a file, sorted, and those that have none.

    Raises:
        UserError: There is no folder or no file at all, or some are missing that are not to be left out.
    """
    if not folder.is_dir():
        raise UserError(f"the image folder {folder} does not exist")
    missing = frozenset(image.id for image in dataset.images.values() if not os.path.isfile(folder / image.file_name))
    if len(missing) == len(dataset.images):
        raise UserError(f"the image folder {folder} holds none of the {len(missing)} annotated images")
    if missing and not skip_missing:
        first = dataset.images[min(missing)]
        raise UserError(
            f"{folder / first.file_name} (image id {first.id}) does not exist; {len(missing)} of {len(dataset.images)} "
            f"images of {dataset.path} have no file. Complete the folder, or leave them out with --skip-missing-images."
        )
    return sorted(dataset.images.keys() - missing), missing


def _stored_image(image: CocoImage, placement: Placement) -> dict[str, Any]:
    return asdict(image) | {"width": placement.size[0], "height": placement.size[1]}


def _stored_bbox(bbox: tuple[float, float, float, float], placement: Placement) -> list[float]:
    if placement.orientation == 1:
        return [*bbox]
    x, y, width, height = bbox
    x1, y1, x2, y2 = placement.box((x, y, x + width, y + height))
    return [x1, y1, x2 - x1, y2 - y1]
