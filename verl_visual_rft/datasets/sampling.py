# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which (image, category) pairs become questions: few-shot, open-vocabulary, and absent categories.

Every draw sorts its candidates first and has a random stream of its own, so it depends on the seed and on the
annotations alone, not on the order of the file or on the other draws.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from verl_visual_rft.boxes import Box
from verl_visual_rft.coordinates import in_one_pixel
from verl_visual_rft.datasets.coco_layout import CocoDataset
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError


class Pair(NamedTuple):
    """One question: an image and the category asked for."""

    image_id: int
    category_id: int


@dataclass(frozen=True)
class PairIndex:
    """What the annotations say about the pairs of some images and categories."""

    boxes: Mapping[Pair, tuple[Box, ...]]  #: The pixel boxes of each pair that can be asked with a full answer.
    #: Pairs that are annotated but have no full answer, neither positive nor absent, and the rule that says so: one
    #: of the three below.
    unusable: Mapping[Pair, str]
    #: Pairs that are not annotated and yet not absent: a category above or below is annotated.
    unknown: frozenset[Pair] = frozenset()
    #: Categories above others that no image is annotated with: nobody says that they were looked for.
    never: frozenset[int] = frozenset()
    looked_for: Mapping[int, frozenset[int]] | None = None  #: See `CocoDataset.looked_for`.

    @property
    def broken(self) -> frozenset[Pair]:
        """Pairs of which a box is empty: their other boxes are no truth either."""
        return frozenset(pair for pair, rule in self.unusable.items() if rule == EMPTY_BOX)


EMPTY_BOX = "box without area in the picture"
ONLY_CROWDS = "only crowd boxes"
SOME_CROWDS = "crowd beside the boxes"


def index_pairs(
    dataset: CocoDataset, image_ids: Collection[int], category_ids: Collection[int], allow_crowd: bool
) -> PairIndex:
    """Sort the annotated pairs into usable and unusable ones.

    A pair is unusable when one of its boxes has no area inside the image, or lies in one pixel of it; when all its
    annotations are crowds; or, unless ``allow_crowd``, when any of them is: a crowd stands for objects that nobody
    boxed, so the other boxes are not the full answer. Evaluation allows them because COCO's AP ignores what falls on a
    crowd.
    """
    images, categories = frozenset(image_ids), frozenset(category_ids)
    usable: dict[Pair, tuple[Box, ...]] = {}
    unusable: dict[Pair, str] = {}
    for (image_id, category_id), entries in dataset.annotations.items():
        if image_id not in images or category_id not in categories:
            continue
        pair = Pair(image_id, category_id)
        single = [entry for entry in entries if not entry.iscrowd]
        boxes = [entry.corners_within(dataset.images[image_id].size) for entry in single]
        whole = tuple(box for box in boxes if box is not None and not in_one_pixel(box))
        if len(whole) < len(boxes):
            unusable[pair] = EMPTY_BOX
        elif not whole:
            unusable[pair] = ONLY_CROWDS
        elif len(single) < len(entries) and not allow_crowd:
            unusable[pair] = SOME_CROWDS
        else:
            usable[pair] = whole
    kin = {category_id: others & categories for category_id, others in dataset.kin.items()}
    unknown = {
        pair
        for image_id, category_id in (dataset.annotations if kin else ())
        for other in (kin.get(category_id, ()) if image_id in images else ())
        if (pair := Pair(image_id, other)) not in usable and pair not in unusable
    }
    never = (categories - dataset.annotated) & frozenset[int]().union(*dataset.above.values())
    return PairIndex(usable, unusable, frozenset(unknown), never, dataset.looked_for)


def left_out(dataset: CocoDataset, rules: Mapping[Pair, str], missing: Collection[int] = ()) -> list[Skip]:
    """List images that have no file, and pairs that cannot be asked, each with its rule."""

    def where(image_id: int) -> str:
        return f"{dataset.path.name}: {dataset.images[image_id].file_name}"

    return [
        *(Skip("no file", where(image_id)) for image_id in sorted(missing)),
        *(
            Skip(rule, f"{where(pair.image_id)}, {dataset.categories[pair.category_id].name!r}")
            for pair, rule in sorted(rules.items())
        ),
    ]


def few_shot(
    index: PairIndex, categories: Mapping[int, str], shots: int, seed: int, at_least: int | None = None
) -> list[Pair]:
    """Draw ``shots`` images of each category (paper, section 4.2).

    The draws of one seed are nested: the images of 2 shots are among those of 4.

    Args:
        index: The pairs to choose from.
        categories: Id -> name.
        shots: Images per category.
        seed: Seed of the draw; each category has a stream of its own.
        at_least: A category with at least this many but fewer than ``shots`` usable images gives all of them; by
            default no category may have fewer than ``shots``.

    Raises:
        UserError: A category has fewer usable images.
    """
    needed = shots if at_least is None else at_least
    chosen: list[Pair] = []
    short: list[str] = []
    for category_id, name in sorted(categories.items()):
        candidates = sorted(pair for pair in index.boxes if pair.category_id == category_id)
        if len(candidates) < needed:
            short.append(f"  {name!r} has {len(candidates)}")
        random.Random(f"shots {seed} {category_id}").shuffle(candidates)
        chosen += candidates[:shots]
    if short:
        raise UserError(
            f"{needed} shots a category are more than there are usable images (without crowds):\n"
            + "\n".join(short)
            + "\nAsk for fewer shots or leave these categories out."
        )
    return chosen


def open_vocabulary(index: PairIndex, rows: int, seed: int) -> list[Pair]:
    """Draw ``rows`` pairs evenly from all usable ones (paper, section 4.4: 6 000 of the 65 base categories).

    Raises:
        UserError: There are fewer usable pairs.
    """
    if rows > len(index.boxes):
        raise UserError(
            f"{rows} rows with objects are more than the {len(index.boxes)} usable (image, category) pairs of these "
            "categories; ask for fewer rows or name more base categories"
        )
    return random.Random(f"rows {seed}").sample(sorted(index.boxes), rows)


def absent(
    index: PairIndex,
    image_ids: Collection[int],
    category_ids: Collection[int],
    count: int,
    seed: int,
    reserve: Collection[int] = (),
) -> list[Pair]:
    """Draw ``count`` pairs whose category is nowhere in the image: their answer is "No Objects".

    What is not annotated is not absent. Of a federated file only what was looked for in vain is; of any other all
    categories but those above and below one that the image shows, and those above others that are never annotated.

    Args:
        index: What the annotations say.
        image_ids: The images to draw from.
        category_ids: The categories to draw from.
        count: How many pairs.
        seed: Seed of the draw.
        reserve: Images that show nothing, to draw from as well where the others do not suffice.

    Raises:
        UserError: There are fewer such pairs.
    """
    images, categories = sorted(image_ids), sorted({*category_ids} - index.never)
    if index.looked_for is not None:
        return _looked_for(index, images, category_ids, count, seed)
    asked_images, asked_categories = set(images), set(categories)
    annotated = {
        pair
        for pair in (*index.boxes, *index.unusable, *index.unknown)
        if pair.image_id in asked_images and pair.category_id in asked_categories
    }
    total = len(images) * len(categories)
    available = total - len(annotated)
    if count > available and not asked_images.issuperset(reserve):
        return absent(index, asked_images.union(reserve), categories, count, seed)
    if count > available:
        raise UserError(
            f"{count} negatives are more than the {available} absent (image, category) pairs among {len(images)} "
            f"images and {len(categories)} categories; lower the negatives ratio or name more categories"
        )
    # Every annotated pair may be drawn in vain, so this many draws always leave enough, without listing all pairs.
    draws = random.Random(f"absent {seed}").sample(range(total), min(total, count + len(annotated)))
    pairs = (Pair(images[draw // len(categories)], categories[draw % len(categories)]) for draw in draws)
    return list(itertools.islice((pair for pair in pairs if pair not in annotated), count))


def _looked_for(
    index: PairIndex, images: Sequence[int], category_ids: Collection[int], count: int, seed: int
) -> list[Pair]:
    asked, listed = frozenset(category_ids), index.looked_for or {}
    pairs = [Pair(image, number) for image in images for number in sorted(listed.get(image, frozenset()) & asked)]
    known = [pair for pair in pairs if pair not in index.boxes and pair not in index.unusable]
    if count > len(known):
        raise UserError(
            f"{count} negatives are more than the {len(known)} pairs that 'neg_category_ids' of the images lists; "
            "nothing else is known to be absent: lower the negatives ratio"
        )
    return random.Random(f"absent {seed}").sample(known, count)


def negatives_for(positives: int, ratio: float) -> int:
    """Return how many negatives beside ``positives`` make up the share ``ratio`` (in [0, 1)) of all rows.

    Example:
        >>> negatives_for(positives=75, ratio=0.25)
        25
    """
    return round(positives * ratio / (1 - ratio))
