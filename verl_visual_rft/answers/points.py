# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The ways in which models write points: as objects with `point_2d`, as other JSON, damaged, or as ``(x, y)``.

Everything here takes time linear in the text, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice, pairwise
from typing import Any

from verl_visual_rft.answers.notations import LOOSE_CORNER, OVERHANG
from verl_visual_rft.answers.objects import LABEL, NUMBER, QUOTABLE, decode, number

Point = tuple[float, float]

#: Points read from one answer; what follows counts as invalid, unread.
MAX_POINTS = 300

_NAMES = frozenset({"point_2d", "points_2d", "point", "points", "coordinate", "coordinates"})
_KEY = re.compile(r"""(?:points?(?:_2d)?|coordinates?)['"]?\s*:""", re.IGNORECASE)
_IN_BRACKETS = re.compile(rf"[\[(]\s*{QUOTABLE}\s*,\s*{QUOTABLE}\s*[\])]")
_IN_PARENTHESES = re.compile(LOOSE_CORNER)


def read_points(text: str) -> tuple[list[Any], str]:
    """Read every point of a text, whatever stands around it, and say what is amiss with how they are written.

    A bare list is read where the whole text is one, ``[x, y]`` or ``[[x, y], ...]``; four numbers are none: they may be
    a box. An object without a point counts as one that is not valid.

    Returns:
        Two numbers each, or whatever else stands in their place; and why the text is not plain, empty if it is: a JSON
        list, in either kind of quotes, of objects with `point_2d`, and perhaps a `label`, alone.
    """
    found: list[Any] = []
    try:
        content = decode(text)
        plain = _plain(content)
        if plain is not None:
            return plain, ""
        _collect(content, found)
    except (ValueError, RecursionError):
        found = _read_damaged(LABEL.sub(': ""', text))
    if not found:
        pairs = list(islice(_IN_PARENTHESES.finditer(text), MAX_POINTS))
        surplus = text.count("(", pairs[-1].end()) if len(pairs) == MAX_POINTS else 0
        return [[*map(float, pair.groups())] for pair in pairs] + [None] * surplus, "points written as (x, y)"
    return found, next((fault for fault, holds in _FAULTS.items() if holds(text)), "not a plain list of point_2d")


def valid_point(position: Any, extent: tuple[float, float]) -> Point | None:
    """Return two numbers as a point if ``0 <= x <= extent[0]`` and ``0 <= y <= extent[1]``, else None."""
    if type(position) is not list or len(position) != 2 or any(type(value) not in (int, float) for value in position):
        return None
    x, y = position
    if 0 <= x <= extent[0] and 0 <= y <= extent[1]:  # false for NaN and infinity
        return float(x), float(y)
    return None


def clipped_point(position: Any, extent: tuple[float, float]) -> Point | None:
    """Return a point that is not valid as it stands moved to the edge, if it lies at most `OVERHANG` outside."""
    if type(position) is not list or len(position) != 2:
        return None
    clipped = []
    for value, end in zip(position, extent, strict=True):
        if type(value) not in (int, float) or not -OVERHANG * end <= value <= (1 + OVERHANG) * end:
            return None
        clipped.append(min(max(float(value), 0.0), end))
    return clipped[0], clipped[1]


_FAULTS: Mapping[str, Callable[[str], object]] = {
    "points without a key": lambda text: "{" not in text,
    "points under another key than point_2d": lambda text: "point_2d" not in text,
    "the list does not end with its bracket": lambda text: text.startswith("[") and not text.endswith("]"),
    "dots copied from the prompt": lambda text: "..." in text or "…" in text,
    "no list around the points": lambda text: text.startswith("{"),
    "text before the list": lambda text: not text.startswith("["),
}


def _plain(content: Any) -> list[Any] | None:
    """Return the points of what is written as the prompt asks; None if it is not."""
    if type(content) is not list or not content:
        return None
    points = []
    for item in content:
        keys = [key for key, _ in item] if type(item) is tuple else []
        if keys not in (["point_2d"], ["point_2d", "label"], ["label", "point_2d"]):
            return None
        values = dict(item)
        if type(values["point_2d"]) is not list or type(values.get("label", "")) is not str:
            return None
        points.append(values["point_2d"])
    return points if all(len(point) == 2 and not _has_text(point) for point in points) else None


def _has_text(point: list[Any]) -> bool:
    return any(type(value) is str for value in point)


def _collect(content: Any, found: list[Any]) -> None:
    """Add the points of what `decode` returns.

    Raises:
        ValueError: A key holds a colon: quotes are mixed, and it is no key but half an object.
    """
    if type(content) is list:
        if len(content) == 2 and all(map(_is_number, content)):
            found.append([number(value) if type(value) is str else value for value in content])
            return
        for item in content:
            _collect(item, found)
    elif type(content) is tuple and content:
        if any(":" in key for key, _ in content):
            raise ValueError("quotes are mixed")
        named = [(key.strip().lower(), value) for key, value in content]
        given = [value for name, value in named if name in _NAMES]
        inner = [value for _, value in named if type(value) is tuple or (type(value) is list and _holds_object(value))]
        across, down = (next((value for key, value in named if key == axis), None) for axis in "xy")
        if given:
            for value in given:
                before = len(found)
                _collect(value, found)
                if len(found) == before:
                    found.append(None)
        elif across is not None and down is not None:
            found.append([across, down])
        elif inner:
            for value in inner:
                _collect(value, found)
        else:
            found.append(None)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) or (type(value) is str and re.fullmatch(NUMBER, value.strip()) is not None)


def _holds_object(value: list[Any]) -> bool:
    return any(type(entry) is tuple for entry in value)


def _read_damaged(text: str) -> list[Any]:
    """Read what stands behind every key of a point; a key at the end without one was cut off, and is left out."""
    keys = [match.end() for match in islice(_KEY.finditer(text), MAX_POINTS + 1)]
    surplus = text.count("[", keys[-1]) if len(keys) > MAX_POINTS else 0
    found: list[Any] = []
    for start, end in pairwise(keys if surplus else [*keys, len(text)]):
        before = len(found)
        found += [[*map(number, pair.groups())] for pair in _IN_BRACKETS.finditer(text, start, end)]
        if len(found) == before and (end < len(text) or text.endswith(("}", "]"))):
            found.append(None)
    return found + [None] * surplus
