# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Entries of a COCO file that are put right before they are checked: slips of tools that leave no doubt.

Each function changes the content of `coco_layout.read_annotations` and yields what it mended. An entry that is no COCO
entry at all is left to the checks, which name it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.file_names import RESPELT, find_file
from verl_visual_rft.datasets.segmentation import DRAWN
from verl_visual_rft.datasets.skips import Mend
from verl_visual_rft.image_files import upright_size

_DIGITS = 18  # fewer than 64 bits hold
_INTEGER = re.compile(rf"-?[0-9]{{1,{_DIGITS}}}")
_INTEGERS = {
    "images": ("id", "width", "height"),
    "categories": ("id",),
    "annotations": ("id", "image_id", "category_id", "iscrowd"),
}


def mend_entries(content: dict[str, Any], folder: Path) -> Iterator[Mend]:
    """Mend all that is mended entry by entry; the pictures lie in ``folder``."""
    yield from _mend_integers(content)
    yield from _mend_ids(content)
    yield from _mend_categories(content)
    yield from _mend_file_names(content, folder)
    yield from _mend_sizes(content, folder)
    yield from _mend_boxes(content)


def _mend_integers(content: dict[str, Any]) -> Iterator[Mend]:
    """Make integers of ``"7"`` and ``400.0``, as tools that go through tables write them."""
    for section, keys in _INTEGERS.items():
        for position, entry in _objects(content, section):
            for key in keys:
                value: Any = entry.get(key)
                if is_integer_otherwise(value):
                    entry[key] = int(value)
                    yield Mend("integer written otherwise", f"{section}[{position}]: {key!r} is {value!r}")


def is_integer_otherwise(value: Any) -> bool:
    """Whether a value is an integer of at most 18 digits that is written as text or as a decimal.

    Example:
        >>> [is_integer_otherwise(value) for value in ("7", 400.0, 7, 1e30, "7.5")]
        [True, True, False, False, False]
    """
    if isinstance(value, float):
        return value.is_integer() and abs(value) < 10**_DIGITS
    return isinstance(value, str) and _INTEGER.fullmatch(value) is not None


def _mend_ids(content: dict[str, Any]) -> Iterator[Mend]:
    """Number what has a text for an id, in the order of the texts, and annotations that have none."""
    for position, entry in _objects(content, "annotations"):
        entry.setdefault("id", f"annotations[{position:08}]")
    for section, reference in (("images", "image_id"), ("categories", "category_id"), ("annotations", None)):
        ids = [entry.get("id") for _, entry in _objects(content, section)]
        texts = sorted({number for number in ids if isinstance(number, str)})
        taken = {number for number in ids if type(number) is int}
        free = (number for number in count(1) if number not in taken)
        numbers = dict(zip(texts, free, strict=False))
        yield from (Mend(f"id of {section} numbered", f"{text!r} is {number}") for text, number in numbers.items())
        for place, key in ((section, "id"), ("annotations", reference)) if numbers else ():
            for _, entry in _objects(content, place):
                if key is not None and isinstance(entry.get(key), str):
                    entry[key] = numbers.get(entry[key], entry[key])


def _mend_categories(content: dict[str, Any]) -> Iterator[Mend]:
    """Drop a category without annotations whose name another has too: the root that Roboflow adds."""
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for position, entry in _objects(content, "categories"):
        if isinstance(entry.get("name"), str):
            alike[entry["name"]].append(position)
    if all(len(positions) == 1 for positions in alike.values()):
        return
    numbered = (entry.get("category_id") for _, entry in _objects(content, "annotations"))
    used = {number for number in numbered if type(number) is int}
    dropped: set[int] = set()
    for name, positions in alike.items():
        numbers = {position: content["categories"][position].get("id") for position in positions}
        unused = [position for position, number in numbers.items() if type(number) is int and number not in used]
        for position in unused[: len(positions) - 1]:
            dropped.add(position)
            rule = "category of a name that another has, without annotations"
            yield Mend(rule, f"id {numbers[position]}: {name!r}")
    content["categories"] = [entry for at, entry in enumerate(content["categories"]) if at not in dropped]


def _mend_file_names(content: dict[str, Any], folder: Path) -> Iterator[Mend]:
    """Give images the name that their file has in ``folder``."""
    for position, entry in _objects(content, "images"):
        name = entry.get("file_name")
        if isinstance(name, str) and (found := find_file(folder, name)) not in (None, name):
            entry["file_name"] = found
            yield Mend(RESPELT, f"images[{position}]: {name!r} is {found!r}")


def _mend_sizes(content: dict[str, Any], folder: Path) -> Iterator[Mend]:
    """Take the size of an image that has none from its picture, as a viewer shows it."""
    for position, entry in _objects(content, "images"):
        if entry.get("width") is None and entry.get("height") is None and isinstance(entry.get("file_name"), str):
            size = upright_size(folder / entry["file_name"])
            if size is not None:
                entry["width"], entry["height"] = size
                yield Mend("size taken from the picture", f"images[{position}]: {entry['file_name']}")


def _mend_boxes(content: dict[str, Any]) -> Iterator[Mend]:
    """Take the box of an annotation that has none from around its segmentation."""
    for position, entry in _objects(content, "annotations"):
        if DRAWN in entry:
            entry["bbox"] = entry[DRAWN]
            yield Mend("box drawn around the segmentation", f"annotations[{position}]")


def _objects(content: dict[str, Any], section: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield position and value of the entries that are objects."""
    return ((position, entry) for position, entry in enumerate(content[section]) if isinstance(entry, dict))
