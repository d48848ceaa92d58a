# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One's own boxes in a COCO file of any name: every category of every image that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.datasets.category_lists import require_known
from verl_visual_rft.datasets.coco_layout import UNUSED
from verl_visual_rft.datasets.coco_reading import CocoReading, read_coco
from verl_visual_rft.datasets.sampling import absent, index_pairs, negatives_for
from verl_visual_rft.datasets.skips import Mend, Skip
from verl_visual_rft.datasets.upright import require_way_up
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.detection.question import DetectionQuestion

#: The rule under which a picture is listed that shows nothing where nobody asks about absent categories.
UNASKED = "picture without annotation, asked about with --negatives alone"


@dataclass(frozen=True)
class CocoQuestions:
    """What a COCO file asks."""

    questions: tuple[DetectionQuestion, ...]  #: In the order of image and category ids.
    categories: Mapping[str, int]  #: Name -> id of the categories asked for.
    #: Annotated pairs of image and category that cannot be asked, and pictures that nobody asks about.
    skips: tuple[Skip, ...]
    mends: tuple[Mend, ...]  #: What was put right.


def read_coco_file(
    annotations: Path,
    images: Path,
    names: Sequence[str] | None = None,
    reading: CocoReading | None = None,
    negatives: float = 0.0,
    seed: int = 0,
    ids: Mapping[str, int] | None = None,
) -> CocoQuestions:
    """Read all (image, category) pairs that can be asked with a full answer.

    Pairs with a crowd or a box without area inside the image are skipped and listed; see `sampling.index_pairs`.

    Args:
        annotations: The COCO file.
        images: Folder that its file names are relative to.
        names: Categories to ask for; None for all that the file annotates.
        reading: What the user says about the file.
        negatives: Share in [0, 1) of rows whose category is absent.
        seed: Seed of their draw.
        ids: Ids by name that the rows get, where another file of the data set numbers categories otherwise.

    Raises:
        UserError: The file is no COCO file or leaves open what it means, does not have a category, or has no usable
            pair; no folder ``images``.
    """
    reading = reading or CocoReading()
    dataset = read_coco(annotations, images, reading)
    if names is None:
        names = [name for name in dataset.names if name not in dataset.unused]
    require_known(names, dataset.names, str(annotations))
    categories = dataset.category_ids(names)
    index = index_pairs(dataset, dataset.images, categories, allow_crowd=False)
    if not index.boxes:
        left_out = Counter(index.unusable.values())
        why = "".join(f"; {count} left out: {rule}" for rule, count in sorted(left_out.items()))
        raise UserError(f"{annotations}: no image shows any of the {len(names)} categories{why}")
    shown = {image_id for image_id, _ in dataset.annotations}
    background = sorted(dataset.images.keys() - shown)
    asked = {pair.image_id for pair in index.boxes}
    count = negatives_for(len(index.boxes), negatives)
    pairs = {pair: () for pair in absent(index, asked, categories, count, seed, background)} | dict(index.boxes)
    questions = []
    for pair, boxes in sorted(pairs.items()):
        picture, name = dataset.picture(pair.image_id, images), categories[pair.category_id]
        questions.append(DetectionQuestion(picture, name, (ids or {}).get(name, pair.category_id), boxes))
    require_way_up(dataset, images, sorted({pair.image_id for pair in pairs}), reading.exif)
    skips = [
        Skip(rule, f"{annotations.name}: image {pair.image_id}, category {categories[pair.category_id]!r}")
        for pair, rule in sorted(index.unusable.items())
    ]
    if not negatives:
        skips += [Skip(UNASKED, f"{annotations.name}: {dataset.images[number].file_name}") for number in background]
    unused = [Mend(UNUSED, f"{annotations.name}: {name!r}") for name in dataset.unused]
    chosen = {name: (ids or {}).get(name, number) for number, name in categories.items()}
    return CocoQuestions(tuple(questions), chosen, tuple(skips), (*dataset.mends, *unused))
