# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The existence stage: before a model is asked where a category is, something says whether it is in the picture at all.

The paper's detection numbers have it: the published evaluation asks only about the (picture, category) pairs that the
*untuned* model called present (``exist_map_*.json``; its prompt was never published). The stage decides much: what it
calls absent is missed whatever the model could do (`ap_ceiling`), and what it rightly calls absent can be no false
alarm. Here is what a stage says and how often it is right; `gate` asks behind one, `behind` measures.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from verl_visual_rft.answers.tags import split_tags
from verl_visual_rft.datasets.existence_map import ExistenceMap

#: A picture (its id as text) and the name of a category.
Pair = tuple[str, str]

_YES_OR_NO = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


def says_present(response: str) -> bool | None:
    """Read an answer to `existence_prompt`: the first "yes" or "no" outside the reasoning; None when there is neither.

    Example:
        >>> says_present("<think> no idea </think> <answer>Yes, two.</answer>")
        True
    """
    tagged = split_tags(response)
    word = _YES_OR_NO.search(tagged.untagged if tagged.answer is None else tagged.answer)
    return None if word is None else word[1].lower() == "yes"


def oracle_map(annotations: Mapping[str, Any]) -> ExistenceMap:
    """Return what a COCO dictionary shows: a category is present where it has a box that is no crowd."""
    names = {category["id"]: category["name"] for category in annotations["categories"]}
    boxed = (annotation for annotation in annotations["annotations"] if not annotation.get("iscrowd", 0))
    return ExistenceMap.of(
        "the ground truth",
        (str(image["id"]) for image in annotations["images"]),
        ((str(annotation["image_id"]), names[annotation["category_id"]]) for annotation in boxed),
    )


@dataclass(frozen=True)
class StageQuality:
    """How often a stage is right, over the pairs whose truth is known.

    Attributes:
        pairs: How many those are.
        claimed: How many of them it calls present.
        precision: Share of these that are present, 0 to 1; None when it calls none present.
        recall: Share of the present ones that it calls present, 0 to 1; None when none is present.
    """

    pairs: int
    claimed: int
    precision: float | None
    recall: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, JSON-ready."""
        return asdict(self)


def stage_quality(stage: ExistenceMap, truth: Mapping[Pair, bool]) -> StageQuality:
    """Compare a stage with the truth.

    Args:
        stage: What it says.
        truth: Pair -> whether the category is in the picture; see `annotated_truth`.

    Raises:
        UserError: The stage does not know a picture.
    """
    counts = Counter((stage.claims(pair), present) for pair, present in truth.items())
    hits, alarms, misses = counts[True, True], counts[True, False], counts[False, True]
    return StageQuality(
        pairs=len(truth),
        claimed=hits + alarms,
        precision=hits / (hits + alarms) if hits + alarms else None,
        recall=hits / (hits + misses) if hits + misses else None,
    )


def annotated_truth(annotations: Mapping[str, Any]) -> dict[Pair, bool]:
    """Return for each pair of a COCO or LVIS dictionary whether the category is in the picture, where that is known.

    Unknown are pairs with crowds alone, and in LVIS all without a box that the picture does not list under
    ``neg_category_ids``.
    """
    names = {category["id"]: category["name"] for category in annotations["categories"]}
    boxes: dict[tuple[Any, Any], bool] = defaultdict(bool)
    for annotation in annotations["annotations"]:
        boxes[annotation["image_id"], annotation["category_id"]] |= not annotation.get("iscrowd", 0)
    truth: dict[Pair, bool] = {}
    for image in annotations["images"]:
        looked_for = image.get("neg_category_ids", names)
        for category_id, name in names.items():
            present = boxes.get((image["id"], category_id))
            if present or (present is None and category_id in looked_for):
                truth[str(image["id"]), name] = bool(present)
    return truth


def ap_ceiling(stage: ExistenceMap, annotations: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the largest AP, in percent, that any detector can reach behind a stage, by category.

    A detector that answers each pair it is asked about perfectly has precision 1 up to the recall
    ``r = boxes of the pairs called present / all boxes``, at every IoU threshold, so its AP is the share of COCO's 101
    recall points that are at most r. (LVIS has the same points.) AP50 and AP75 have the same ceiling. Not counted are
    crowds; that COCO looks at 100 boxes a picture lowers the ceiling further where a picture has more.

    Returns:
        Category name to AP; None where it has no box.
    """
    import numpy as np

    names = {category["id"]: category["name"] for category in annotations["categories"]}
    total, reached = Counter[str](), Counter[str]()
    for annotation in annotations["annotations"]:
        if not annotation.get("iscrowd", 0):
            name = names[annotation["category_id"]]
            total[name] += 1
            reached[name] += stage.claims((str(annotation["image_id"]), name))
    points = np.linspace(0.0, 1.0, 101)
    return {
        name: 100 * float((points <= reached[name] / total[name]).mean()) * bool(reached[name]) if total[name] else None
        for name in names.values()
    }
