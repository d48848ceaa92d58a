# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The ways in which models write boxes: lists of objects, plain or damaged, and pairs of corners.

What is a box is judged strictly and in one place (`valid_box`); how the text around it is written, leniently.
Everything here takes time linear in the text, whatever the text is.
"""

from __future__ import annotations

import json
import math
import re
from itertools import islice, pairwise
from typing import Any, NamedTuple

from verl_visual_rft.answers.tags import Tagged
from verl_visual_rft.boxes import Box

#: Boxes read from one answer (LVIS evaluates as many in a whole image); what follows counts as invalid, unread.
MAX_BOXES = 300

_NUMBER = "[-+.0-9eE]{1,64}"
_INTEGER = "[0-9]{1,64}"
_CORNER = rf"\(\s*({_INTEGER})\s*,\s*({_INTEGER})\s*\)"
_PAIR = re.compile(rf"{_CORNER}\s*,\s*{_CORNER}")

_UNTAGGED_START = re.compile(r"[\[{`]|\(\s*[0-9]")
# A brace with a key behind it; not one that only wraps others, as in {"boxes": [{...}]}.
_OBJECT = re.compile(r"\{[^{}:]*:(?![\s\[]*\{)[^{}]*\}?")
# "position_2d" mixes the two names; models that know both write it.
_POSITION_KEY = re.compile(r"""(?:position|bbox)(?:_2d)?['"\s]*:""", re.IGNORECASE)
_FOUR_NUMBERS = re.compile(rf"\s*[\[(]\s*({_NUMBER})" + rf"\s*,\s*({_NUMBER})" * 3 + r"\s*[\])]")
_CONFIDENCE = re.compile(rf"""confidence['"\s]*:[\s'"]*({_NUMBER})(?![\w.%])""", re.IGNORECASE)
_QUOTED_CONFIDENCE = re.compile(r"""Confidence['"]\s*:\s*['"]""")

_DECODER = json.JSONDecoder()


class Written(NamedTuple):
    """A box as it stands in an answer, not yet judged.

    Attributes:
        position: Four numbers, or whatever else stands in their place.
        confidence: A number, or whatever else stands in its place; None when nothing does.
    """

    position: Any
    confidence: Any


_UNREAD = Written(None, None)


def find_list(tagged: Tagged) -> tuple[str | None, str]:
    """Return the text in which boxes may be written, None when there is no answer, and what is amiss with its tags.

    Without an answer block the text outside the reasoning counts if it begins as boxes do.
    """
    if tagged.answer is not None:
        return tagged.answer.strip(), tagged.fault
    untagged = tagged.untagged.strip()
    return (untagged, "no answer tags") if _UNTAGGED_START.match(untagged) else (None, "")


def read_plain_list(text: str) -> list[Written]:
    """Read a JSON list of objects with Position and Confidence, in single or in double quotes.

    Returns:
        The boxes, valid or not; none if the text is anything else, which includes a confidence in quotes.
    """
    try:
        items = _DECODER.decode(text if '"' in text else text.replace("'", '"'))
    except (ValueError, RecursionError):
        return []
    if type(items) is not list or text.count("Position") != len(items):  # of a key that is there twice, JSON keeps one
        return []
    written = []
    for item in items:
        if type(item) is not dict or "Position" not in item:
            return []
        confidence = item.get("Confidence")
        if type(confidence) is str:
            return []
        written.append(Written(item["Position"], confidence))
    return written


def read_objects(text: str) -> list[Written]:
    """Read every ``{...}`` that holds a key, whatever stands around it; one cut off at the end is left out.

    An object with several positions is as many boxes: the braces between them are missing.
    """
    objects = list(islice(_OBJECT.finditer(text), MAX_BOXES))
    surplus = text.count("{", objects[-1].end()) if len(objects) == MAX_BOXES else 0
    if objects and objects[-1].end() == len(text) and not text.endswith("}"):
        objects.pop()
    parts = [part for match in objects for part in _split_positions(match.group())]
    surplus += len(parts[MAX_BOXES:])
    read = {part: _read_object(part) for part in set(parts[:MAX_BOXES])}  # a flood repeats one box
    return [read[part] for part in parts[:MAX_BOXES]] + [_UNREAD] * surplus


def read_pairs(text: str) -> list[Written]:
    """Read every ``(x1,y1),(x2,y2)`` of whole numbers, with any white space."""
    pairs = list(islice(_PAIR.finditer(text), MAX_BOXES))
    surplus = text.count("(", pairs[-1].end()) // 2 if len(pairs) == MAX_BOXES else 0
    return [Written([*map(float, pair.groups())], None) for pair in pairs] + [_UNREAD] * surplus


def is_pair(text: str) -> bool:
    """Whether the text is one ``(x1,y1),(x2,y2)`` and nothing else."""
    return _PAIR.fullmatch(text) is not None


def explain_list(text: str) -> str:
    """Say, for people, what keeps a text with objects from being a plain list: the first of these that holds."""
    faults = (
        (text.startswith("[") and not text.endswith("]"), "the list does not end with its bracket"),
        ("..." in text or "…" in text, "dots copied from the prompt"),
        ("Position" not in text, "boxes under another key than Position"),
        (_QUOTED_CONFIDENCE.search(text) is not None, "a confidence in quotes"),
        (text.startswith("{"), "no list around the boxes"),
        (not text.startswith("["), "text before the list"),
        ("'" in text and '"' in text, "single and double quotes mixed"),
        (text.count("[") != text.count("]"), "square brackets do not match"),
        (text.count("{") != text.count("}"), "braces do not match"),
    )
    return next((fault for holds, fault in faults if holds), "not a plain list of Position and Confidence")


def valid_box(position: Any, extent: tuple[float, float]) -> Box | None:
    """Return four numbers as a box if ``0 <= x1 < x2 <= extent[0]`` and ``0 <= y1 < y2 <= extent[1]``, else None."""
    if type(position) is not list or len(position) != 4:
        return None
    x1, y1, x2, y2 = position
    for value in position:
        if type(value) is not int and type(value) is not float:
            return None
    if 0 <= x1 < x2 <= extent[0] and 0 <= y1 < y2 <= extent[1]:  # false for NaN and infinity
        return (float(x1), float(y1), float(x2), float(y2))
    return None


def valid_confidence(confidence: Any) -> float | None:
    """Return a confidence if it is a number in [0, 1], else None."""
    if (type(confidence) is float or type(confidence) is int) and 0 <= confidence <= 1:
        return float(confidence)
    return None


def _split_positions(written: str) -> list[str]:
    later = [match.start() for match in _POSITION_KEY.finditer(written)][1:]
    return [written[start:end] for start, end in pairwise([0, *later, len(written)])]


def _read_object(written: str) -> Written:
    key = _POSITION_KEY.search(written)
    numbers = _FOUR_NUMBERS.match(written, key.end()) if key else None
    confidence = _CONFIDENCE.search(written)
    return Written(
        [_number(digits) for digits in numbers.groups()] if numbers else None,
        _number(confidence[1]) if confidence else None,
    )


def _number(digits: str) -> float:
    try:
        return float(digits)
    except ValueError:  # signs, points and exponents in no order
        return math.nan
