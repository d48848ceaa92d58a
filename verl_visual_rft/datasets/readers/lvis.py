# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""LVIS v1 (https://www.lvisdataset.org): COCO's photographs, 1203 categories, and federated annotations.

Federated: only some categories were looked for in each image. A category without a box in an image is absent only when
the image lists it under ``neg_category_ids``, and where the image lists it under ``not_exhaustive_category_ids`` some
of its objects may have no box. Everything else is unknown and says nothing about a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.datasets.category_lists import require_known
from verl_visual_rft.datasets.coco_layout import CocoDataset, read_annotations
from verl_visual_rft.datasets.coco_reading import CocoReading, mended_coco
from verl_visual_rft.datasets.detection import evaluated_annotations
from verl_visual_rft.datasets.existence_map import ExistenceMap, claimed_pairs, claims_left_out
from verl_visual_rft.datasets.sampling import Pair, PairIndex, absent, few_shot, index_pairs, left_out, negatives_for
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.question import Picture

#: The paper's 15 rare categories and their ids in LVIS v1; 14 of them have another id in v0.5.
V1_IDS = {
    "casserole": 222, "die": 365, "egg_roll": 416, "futon": 480, "garbage": 482, "handsaw": 541, "hippopotamus": 560,
    "horse_buggy": 161, "kitchen_table": 610, "mallet": 663, "omelet": 733, "papaya": 755, "shot_glass": 952,
    "stepladder": 1012, "sugar_bowl": 1031,
}  # fmt: skip

NOBODY_LOOKED = "category that nobody looked for in the picture"


@dataclass(frozen=True)
class LvisDataset:
    """An annotation file of LVIS v1."""

    #: What LVIS shares with COCO; file names are relative to the data set's root ("train2017/000000155379.jpg").
    coco: CocoDataset
    #: By image id, the categories that were looked for and are not in the image.
    negative: Mapping[int, frozenset[int]]
    not_exhaustive: Mapping[int, frozenset[int]]  #: By image id, the categories of which not every object has a box.
    #: By category id, "r" (rare: at most 10 training images), "c" (common) or "f" (frequent).
    frequencies: Mapping[int, str]


@dataclass(frozen=True)
class LvisQuestions:
    """Questions about one split."""

    questions: tuple[DetectionQuestion, ...]  #: In the order of image and category.
    skips: tuple[Skip, ...]  #: Pairs that cannot be asked.
    source: Path  #: The annotation file.
    #: The images that show one of the categories; an existence map may leave some without a question.
    images: frozenset[int]
    broken: frozenset[Pair]  #: See `PairIndex.broken`.


def find_annotations(root: Path, split: str) -> Path:
    """Return the annotation file of "train" or "val" below ``root``, in ``annotations/`` or beside it.

    Raises:
        UserError: There is none; the message shows the layout.
    """
    name = f"lvis_v1_{split}.json"
    for path in (root / "annotations" / name, root / name):
        if path.is_file():
            return path
    raise UserError(
        f"{root} holds neither annotations/{name} nor {name}. Expected lvis_v1_train.json and lvis_v1_val.json "
        "(https://www.lvisdataset.org/dataset) beside COCO's folders train2017/ and val2017/."
    )


def load_lvis(path: Path, root: Path | None = None, reading: CocoReading | None = None) -> LvisDataset:
    """Read, mend and check an annotation file of LVIS v1.

    Its folders of pictures lie in ``root``, by default beside it.

    Raises:
        UserError: The file is missing, no LVIS file, or of version 0.5, whose categories have other ids.
    """
    content = read_annotations(path)
    for where, image in _objects(path, content, "images"):
        image["file_name"] = _file_name(where, image)
    coco = mended_coco(path, content, root or path.parent, reading or CocoReading())
    _require_v1(coco)
    negative, not_exhaustive = (
        {image_id: ids for image_id, ids in _category_ids(path, content, key).items() if image_id in coco.images}
        for key in ("neg_category_ids", "not_exhaustive_category_ids")
    )
    return LvisDataset(
        coco,
        negative=negative,
        not_exhaustive=not_exhaustive,
        frequencies={entry["id"]: _frequency(where, entry) for where, entry in _objects(path, content, "categories")},
    )


def training_questions(
    dataset: LvisDataset, root: Path, names: Sequence[str], shots: int | None, seed: int, negatives: float = 0.0
) -> LvisQuestions:
    """Draw ``shots`` training images of each category, or all of a category that has fewer.

    With 10 shots, or None for all, the paper's six categories give its 49 pairs: a rare category has at most 10
    training images. An image where the category is not exhaustively annotated counts, as it does in those 49.

    Args:
        dataset: The training split.
        root: Folder of the data set.
        names: The categories.
        shots: Images of each; None for all.
        seed: Of the draws.
        negatives: Share in [0, 1) of the questions whose category is absent: drawn from all images in which LVIS looked
            for it in vain, for those of the shots have too few.

    Raises:
        UserError: The data set does not have a category, or no usable image of it, or fewer absent ones than asked for.
    """
    categories = _categories(dataset, names)
    index = index_pairs(dataset.coco, dataset.coco.images, categories, allow_crowd=False)
    pairs = few_shot(index, categories, len(index.boxes) if shots is None else shots, seed, at_least=1)
    pairs += absent(index, dataset.coco.images, categories, negatives_for(len(pairs), negatives), seed)
    return _questions(dataset, root, sorted(pairs), index)


def evaluation_questions(
    dataset: LvisDataset, root: Path, names: Sequence[str], verified_absent: bool
) -> LvisQuestions:
    """Ask for each category in every image that shows it.

    Args:
        dataset: The validation split.
        root: Folder of the data set.
        names: The categories.
        verified_absent: Ask also in every image where the category was looked for and not found. With these the
            questions are all that LVIS's average precision looks at: what a model answers about any other pair is
            neither right nor wrong.

    Raises:
        UserError: The data set does not have a category, or shows none of them.
    """
    index = _shown(dataset, names)
    verified = _verified_absent(dataset, names) if verified_absent else ()
    return _questions(dataset, root, sorted({*index.boxes, *verified}), index)


def claimed_questions(dataset: LvisDataset, root: Path, names: Sequence[str], stage: ExistenceMap) -> LvisQuestions:
    """Ask about the pairs that an existence map calls present and whose truth is known.

    Where nobody looked for the category there is no truth to ask against, and LVIS's average precision does not look at
    the answer; such pairs are left out and listed.

    Raises:
        UserError: The map lacks a picture or claims none of the categories, or see `evaluation_questions`.
    """
    categories = _categories(dataset, names)
    index = _shown(dataset, names)
    claims = claimed_pairs(stage, dataset.coco, dataset.coco.images, categories)
    known = {*index.boxes, *_verified_absent(dataset, names)}
    chosen = _questions(dataset, root, [pair for pair in claims if pair in known], index)
    unknown = {pair: NOBODY_LOOKED for pair in claims if pair not in known and pair not in index.unusable}
    return replace(
        chosen, skips=(*chosen.skips, *left_out(dataset.coco, unknown), *claims_left_out(stage, dataset.coco, names))
    )


def federated_annotations(
    dataset: LvisDataset, names: Sequence[str], placements: Mapping[int, Placement]
) -> dict[str, Any]:
    """Return the truth of an evaluation as LVIS's evaluators read it.

    It is the LVIS file cut to some images and categories, without segmentations; ``iscrowd`` is 0 everywhere, so that
    COCO's evaluators read it too.
    """
    categories = _categories(dataset, names)
    truth = evaluated_annotations(dataset.coco, categories, placements)
    for image in truth["images"]:
        image["neg_category_ids"] = sorted(dataset.negative[image["id"]] & categories.keys())
        image["not_exhaustive_category_ids"] = sorted(dataset.not_exhaustive[image["id"]] & categories.keys())
    for category in truth["categories"]:
        category["frequency"] = dataset.frequencies[category["id"]]
    return truth


def _questions(dataset: LvisDataset, root: Path, pairs: Sequence[Pair], index: PairIndex) -> LvisQuestions:
    coco = dataset.coco
    questions = []
    for pair in pairs:
        image, category = coco.images[pair.image_id], coco.categories[pair.category_id]
        path = root / image.file_name
        folder = root / PurePosixPath(image.file_name).parts[0]  # of the pictures: often a link to COCO's
        picture = Picture(str(image.id), path, image.file_name, image.size, folder=folder)
        questions.append(DetectionQuestion(picture, category.name, category.id, index.boxes.get(pair, ())))
    skips = tuple(left_out(coco, index.unusable))
    images = frozenset(pair.image_id for pair in index.boxes)
    return LvisQuestions(tuple(questions), skips, coco.path, images, index.broken)


def _shown(dataset: LvisDataset, names: Sequence[str]) -> PairIndex:
    index = index_pairs(dataset.coco, dataset.coco.images, _categories(dataset, names), allow_crowd=True)
    if not index.boxes:
        raise UserError(f"{dataset.coco.path}: no image shows any of the categories to evaluate: {', '.join(names)}")
    return index


def _verified_absent(dataset: LvisDataset, names: Sequence[str]) -> set[Pair]:
    categories = _categories(dataset, names)
    return {
        Pair(image_id, category_id)
        for image_id, category_ids in dataset.negative.items()
        for category_id in category_ids & categories.keys()
        if (image_id, category_id) not in dataset.coco.annotations
    }


def _categories(dataset: LvisDataset, names: Sequence[str]) -> dict[int, str]:
    require_known(names, dataset.coco.names, str(dataset.coco.path))
    return dataset.coco.category_ids(names)


def _require_v1(coco: CocoDataset) -> None:
    ids = {category.name: category.id for category in coco.categories.values()}
    moved = [name for name, v1_id in V1_IDS.items() if ids.get(name, v1_id) != v1_id]
    if moved:
        name = moved[0]
        raise UserError(
            f"{coco.path} is not LVIS v1: category {name!r} has id {ids[name]}, in v1 it is {V1_IDS[name]} "
            f"({len(moved)} of the paper's categories differ; the file has {len(ids)} categories, v0.5 has 1230, "
            "v1 has 1203). Use lvis_v1_train.json and lvis_v1_val.json from https://www.lvisdataset.org/dataset."
        )


def _objects(path: Path, content: Mapping[str, Any], section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for position, entry in enumerate(content[section]):
        where = f"{path}: {section}[{position}]"
        if not isinstance(entry, dict):
            raise UserError(f"{where}: is {type(entry).__name__}, not an object")
        yield where, entry


def _file_name(where: str, image: Mapping[str, Any]) -> str:
    """LVIS v1 has no file names; the last two parts of ``coco_url`` are COCO's folder and file.

    15000 of LVIS's validation images are from COCO's train2017, so the split does not tell the folder.
    """
    url = image.get("coco_url")
    parts = PurePosixPath(url).parts[-2:] if isinstance(url, str) else ()
    if len(parts) != 2 or parts[0] not in ("train2017", "val2017"):
        raise UserError(f"{where}: 'coco_url' is {url!r}; in LVIS v1 it ends in train2017/NAME.jpg or val2017/NAME.jpg")
    return "/".join(parts)


def _category_ids(path: Path, content: Mapping[str, Any], key: str) -> dict[int, frozenset[int]]:
    """Return the category ids that each image lists under ``key``."""
    listed: dict[int, frozenset[int]] = {}
    for where, image in _objects(path, content, "images"):
        ids = image.get(key)
        if not isinstance(ids, list) or not all(isinstance(value, int) for value in ids):
            raise UserError(f"{where}: {key!r} is {ids!r}, not a list of category ids; is this an LVIS v1 file?")
        listed[image["id"]] = frozenset(ids)
    return listed


def _frequency(where: str, category: Mapping[str, Any]) -> str:
    frequency = category.get("frequency")
    if frequency not in ("r", "c", "f"):
        raise UserError(f"{where}: 'frequency' is {frequency!r}, not 'r', 'c' or 'f'; is this an LVIS v1 file?")
    return str(frequency)
