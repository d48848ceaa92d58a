# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Category lists of the paper, and the way a user names categories on the command line."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_text

#: The 15 unseen COCO categories of the paper's open-vocabulary split (authors, issue 59 of the published repository).
COCO_NOVEL15 = (
    "airplane", "train", "parking meter", "cat", "bear", "suitcase", "frisbee", "snowboard", "fork", "sandwich",
    "hot dog", "toilet", "mouse", "toaster", "hair drier",
)  # fmt: skip

#: The other 65 of COCO's 80 categories, in the order of their ids.
COCO_BASE65 = (
    "person", "bicycle", "car", "motorcycle", "bus", "truck", "boat", "traffic light", "fire hydrant", "stop sign",
    "bench", "bird", "dog", "horse", "sheep", "cow", "elephant", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "skis", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "knife", "spoon", "bowl", "banana", "apple", "orange",
    "broccoli", "carrot", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "tv",
    "laptop", "remote", "keyboard", "cell phone", "microwave", "oven", "sink", "refrigerator", "book", "clock",
    "vase", "scissors", "teddy bear", "toothbrush",
)  # fmt: skip

#: The eight COCO categories of the paper's few-shot detection experiments.
COCO_FEWSHOT8 = ("bus", "train", "fire hydrant", "stop sign", "cat", "dog", "bed", "toilet")

#: The six rare LVIS categories of the paper's few-shot detection, spelt as LVIS and the paper's prompts spell them.
LVIS_FEWSHOT6 = ("horse_buggy", "die", "kitchen_table", "omelet", "papaya", "stepladder")

#: The 13 rare LVIS categories on which the paper evaluates open-vocabulary detection trained on COCO.
LVIS_NOVEL13 = (
    "casserole", "die", "egg_roll", "futon", "garbage", "handsaw", "hippopotamus", "kitchen_table", "mallet",
    "omelet", "shot_glass", "stepladder", "sugar_bowl",
)  # fmt: skip

#: The five categories of the paper's Monster Girls (MG) data, which were never published.
MG5 = ("bird", "feline-or-canid", "serpent", "slime", "wyvern")

BUILT_IN = {
    "coco-base65": COCO_BASE65,
    "coco-novel15": COCO_NOVEL15,
    "coco-fewshot8": COCO_FEWSHOT8,
    "lvis-fewshot6": LVIS_FEWSHOT6,
    "lvis-novel13": LVIS_NOVEL13,
    "mg5": MG5,
}

_SHOWN = 10  # unknown names
_MOST_COMPARED = 5000  # known names


def parse_category_list(text: str) -> tuple[str, ...]:
    """Read a category list as written on the command line.

    Args:
        text: The name of a list in `BUILT_IN`, or ``@FILE`` (one name a line), or names separated by commas.

    Raises:
        UserError: The file cannot be read, a name is given twice, or no name is left.

    Example:
        >>> parse_category_list("hot dog, cat")
        ('hot dog', 'cat')
    """
    if text in BUILT_IN:
        return BUILT_IN[text]
    if text.startswith("@"):
        listed = read_text(Path(text[1:]), "give a list of categories, one a line").splitlines()
    else:
        listed = text.split(",")
    names = [name.strip() for name in listed if name.strip()]
    if not names:
        raise UserError(f"category list {text!r} names no category; built-in lists are {', '.join(BUILT_IN)}")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise UserError(f"category list {text!r} names {', '.join(map(repr, twice))} more than once")
    return tuple(names)


def require_known(names: Collection[str], known: Collection[str], where: str) -> None:
    """Raise a `UserError` that lists near matches when a name is not a category of ``where``."""
    there = frozenset(known)
    unknown = [name for name in names if name not in there]
    if not unknown:
        return
    lines = []
    for name in unknown[:_SHOWN]:
        # Looking for what is near takes time for each known name.
        near = difflib.get_close_matches(name, known, n=3) if len(known) <= _MOST_COMPARED else []
        lines.append(f"  {name!r}" + (f": did you mean {' or '.join(map(repr, near))}?" if near else ""))
    if len(unknown) > _SHOWN:
        lines.append(f"  ... and {len(unknown) - _SHOWN} more")
    raise UserError(
        f"{where} has no such categor{'y' if len(unknown) == 1 else 'ies'}:\n"
        + "\n".join(lines)
        + f"\nIt has {len(known)}: {', '.join(sorted(known)[:12])}{', ...' if len(known) > 12 else ''}"
    )
