# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes written as a list of objects: as the prompt asks, as other JSON, or damaged.

Everything here takes time linear in the text, whatever the text is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, pairwise, zip_longest
from typing import Any

from verl_visual_rft.answers.notations import MAX_BOXES, UNREAD, Written

NUMBER = "[-+.0-9eE]{1,64}"
# A brace with a key behind it; not one that only wraps others, as in {"boxes": [{...}]}.
_OBJECT = re.compile(r"\{[^{}:]*:(?![\s\[]*\{)[^{}]*\}?")
# "position_2d" mixes the two names; models that know both write it.
_POSITION_KEY = re.compile(r"""(?:position|bbox)(?:_2d)?['"\s]*:""", re.IGNORECASE)
_POSITION_NAMES = frozenset({"position", "bbox", "position_2d", "bbox_2d"})
_BOX_NAMES = _POSITION_NAMES | {"confidence"}
_LABEL_NAMES = frozenset({"label", "category", "class", "name"})
_NESTED = re.compile(r"""[\s'"]*\[(?=\s*\[)""")
QUOTABLE = rf"""['"]?({NUMBER})['"]?"""
_FOUR_NUMBERS = re.compile(rf"""(?:\s*['"])?\s*[\[(]\s*{QUOTABLE}""" + rf"\s*,\s*{QUOTABLE}" * 3 + r"""\s*[\])]['"]?""")
_COMMA = re.compile(r"\s*,")
_EMPTY_LIST = re.compile(r"\[\s*\]")
_SEVERAL = re.compile(rf"""{_POSITION_KEY.pattern}\s*\[\s*\[""", re.IGNORECASE)
_CONFIDENCE = re.compile(rf"""confidence['"\s]*:[\s'"]*({NUMBER})(?![\w.%]|,[0-9])""", re.IGNORECASE)
_QUOTED_CONFIDENCE = re.compile(r"""Confidence['"]\s*:\s*['"]""")
_QUOTED_NUMBER = re.compile(r"""[\[(,]\s*['"][-+.]?[0-9]|:\s*['"]\s*\[\s*[0-9]""")
# The text of a label, in which anything may stand that is read elsewhere; numbers in quotes are no labels.
LABEL = re.compile(r""":\s*(?:"(?![-+.0-9\[(])[^"\n]{0,256}"|'(?![-+.0-9\[(])[^'\n]{0,256}')(?=\s*[,}])""")
# Where it stood: a number in its place, or the text itself where its quotes are damaged.
_LABEL_KEY = re.compile(
    rf"""(?<!\w)(?:{"|".join(sorted(_LABEL_NAMES))})['"\s]*:\s*(?:"@([0-9]{{1,6}})"|['"]?([^'",{{}}\[\]\n]{{1,256}}))""",
    re.IGNORECASE,
)

_NUMERIC = frozenset({int, float})
_DECODER = json.JSONDecoder()
_PAIR_DECODER = json.JSONDecoder(object_pairs_hook=tuple)


def read_plain_list(
    text: str, position_key: str = "Position", confidence_key: str = "Confidence", label_key: str = ""
) -> list[Written] | None:
    """Read a JSON list of objects with a position and perhaps a confidence, in single or in double quotes.

    Args:
        text: The answer.
        position_key: Key of the four numbers.
        confidence_key: Key of the confidence.
        label_key: Key of a name that every object has; empty where objects have none.

    Returns:
        The boxes, valid or not; none if the text is other JSON, numbers in quotes among it; None if it is no JSON.
    """
    plain = text if '"' in text else text.replace("'", '"')
    try:
        items = _DECODER.decode(plain)
    except (ValueError, RecursionError):
        return None
    # Of a key that is there twice, JSON keeps one.
    if type(items) is not list or plain.count(f'"{position_key}"') != len(items):
        return []
    written = []
    for item in items:
        if type(item) is not dict or position_key not in item:
            return []
        position, confidence = item[position_key], item.get(confidence_key)
        if type(confidence) is str or type(position) is not list or not _NUMERIC.issuperset(map(type, position)):
            return []
        label = item.get(label_key) if label_key else None
        if label_key and type(label) is not str:
            return []
        written.append(Written(position, confidence, label))
    return written


def read_objects(text: str, may_be_json: bool = True) -> list[Written]:
    """Read every object that holds a position, whatever stands around it; one cut off at the end is left out.

    An object with several positions is as many boxes: the braces between them are missing, or it lists them.
    """
    decoded = _read_json(text) if may_be_json else None
    return _read_damaged(text) if decoded is None else decoded


def is_empty_list(text: str) -> bool:
    """Whether a text is a JSON list without an object, also within a wrapper: ``{"objects": []}``."""
    if not text.startswith(("[", "{")) or not _EMPTY_LIST.search(text):
        return False
    try:
        return _holds_nothing(decode(text))
    except (ValueError, RecursionError):
        return False


def explain_list(text: str, keys: tuple[str, str] = ("Position", "Confidence")) -> str:
    """Say, for people, what keeps a text with objects from being a plain list: the first of these that holds.

    Args:
        text: The answer.
        keys: What each object of the list has; the first is that of its position.
    """
    if fault := next((fault for fault, holds in _FAULTS.items() if holds(text)), ""):
        return fault
    if keys[0] not in text:
        return f"boxes under another key than {keys[0]}"
    later = (fault for fault, holds in _LESSER_FAULTS.items() if holds(text))
    return next(later, f"not a plain list of {' and '.join(keys)}")


_FAULTS: Mapping[str, Callable[[str], object]] = {
    "the list does not end with its bracket": lambda text: text.startswith("[") and not text.endswith("]"),
    "dots copied from the prompt": lambda text: "..." in text or "…" in text,
    "a list of lists under one key": _SEVERAL.search,
}
_LESSER_FAULTS: Mapping[str, Callable[[str], object]] = {
    "a confidence in quotes": _QUOTED_CONFIDENCE.search,
    "numbers in quotes": _QUOTED_NUMBER.search,
    "no list around the boxes": lambda text: text.startswith("{"),
    "text before the list": lambda text: not text.startswith("["),
    "single and double quotes mixed": lambda text: "'" in text and '"' in text,
    "square brackets do not match": lambda text: text.count("[") != text.count("]"),
    "braces do not match": lambda text: text.count("{") != text.count("}"),
}


def _read_json(text: str) -> list[Written] | None:
    """Read the objects of a text that is JSON in either kind of quotes; None if it is not.

    Only here a brace, a key or a number inside a label is surely a label's.
    """
    try:
        written = list(_objects_of(decode(text)))
    except (ValueError, RecursionError):
        return None
    return written[:MAX_BOXES] + [UNREAD] * len(written[MAX_BOXES:])


def decode(text: str) -> Any:
    """Decode JSON in either kind of quotes, an object as a tuple of its keys and values."""
    return _PAIR_DECODER.decode(text if '"' in text else text.replace("'", '"'))


def _holds_nothing(content: Any) -> bool:
    """Whether decoded JSON is an empty list, or holds such lists and no other list or object.

    What has a key of a position or a confidence is no wrapper, but a box without corners.
    """
    if type(content) is list:
        return all(_holds_nothing(entry) for entry in content)
    if type(content) is not tuple or any(key.strip().lower() in _BOX_NAMES for key, _ in content):
        return False
    inner = [value for _, value in content if type(value) in (list, tuple)]
    return bool(inner) and all(map(_holds_nothing, inner))


def _objects_of(content: Any) -> Iterator[Written]:
    """Yield the boxes of what `decode` returns.

    Raises:
        ValueError: A key holds a colon: quotes are mixed, and it is no key but half an object.
    """
    if type(content) is list:
        for item in content:
            yield from _objects_of(item)
    elif type(content) is tuple and content:
        if any(":" in key for key, _ in content):
            raise ValueError("quotes are mixed")
        named = [(key.strip().lower(), value) for key, value in content]
        positions = [value for key, value in named if key in _POSITION_NAMES]
        confidences = [value for key, value in named if key == "confidence"]
        labels = [value for key, value in named if key in _LABEL_NAMES]
        inner = [
            value for _, value in content if type(value) is tuple or (type(value) is list and _holds_object(value))
        ]
        if inner and not positions:
            yield from _objects_of(inner)
        elif len(positions) > 1:  # the braces between several objects are missing
            count = len(positions)
            for position, confidence, label in zip_longest(positions, confidences[:count], labels[:count]):
                yield Written(_unquoted(position), _unquoted(confidence), label)
        else:
            position, confidence, label = (next(iter(values), None) for values in (positions, confidences, labels))
            several = type(position) is list and position != [] and all(_is_four(entry) for entry in position)
            for one in position if several and position else [position]:
                yield Written(_unquoted(one), _unquoted(confidence), label)


def _holds_object(value: list[Any]) -> bool:
    return any(type(entry) is tuple for entry in value)


def _is_four(value: Any) -> bool:
    return type(value) is list and len(value) == 4


def _unquoted(value: Any) -> Any:
    """Return what stands in quotes as a number, or as a list of numbers."""
    if _is_four(value):
        return [_unquoted(entry) for entry in value]
    if type(value) is not str:
        return value
    numbers = _FOUR_NUMBERS.fullmatch(value.strip())
    if numbers:
        return [number(digits) for digits in numbers.groups()]
    return number(value.strip()) if re.fullmatch(NUMBER, value.strip()) else value


def _read_damaged(text: str) -> list[Written]:
    numbers: dict[str, int] = {}
    text = LABEL.sub(lambda found: f': "@{numbers.setdefault(found[0], len(numbers))}"', text)
    labels = [found[1:].strip()[1:-1] for found in numbers]
    objects = list(islice(_OBJECT.finditer(text), MAX_BOXES))
    surplus = text.count("{", objects[-1].end()) if len(objects) == MAX_BOXES else 0
    if objects and objects[-1].end() == len(text) and not text.endswith("}") and not _is_closed(text):
        objects.pop()
    parts = [part for match in objects for part in _split_positions(match.group())]
    surplus += len(parts[MAX_BOXES:])
    read = {part: _read_part(part, labels) for part in set(parts[:MAX_BOXES])}  # a flood repeats one box
    written = [box for part in parts[:MAX_BOXES] for box in read[part]]
    surplus += len(written[MAX_BOXES:])
    return written[:MAX_BOXES] + [UNREAD] * surplus


def _is_closed(text: str) -> bool:
    """Whether a list ends with its bracket, though a brace before it may be missing."""
    return text.endswith("]") and text.count("[") == text.count("]")


def _split_positions(written: str) -> list[str]:
    later = [match.start() for match in _POSITION_KEY.finditer(written)][1:]
    return [written[start:end] for start, end in pairwise([0, *later, len(written)])]


def _read_part(written: str, labels: Sequence[str]) -> list[Written]:
    """Read the boxes of one position key: one, or as many as are listed under it; ``labels`` stand by their numbers."""
    found = _CONFIDENCE.search(written)
    confidence = number(found[1]) if found else None
    label = _label(written, labels)
    key = _POSITION_KEY.search(written)
    if key is None:
        return [Written(None, confidence, label)]
    nested = _NESTED.match(written, key.end())
    numbers = _FOUR_NUMBERS.match(written, nested.end() if nested else key.end())
    if numbers is None:
        return [Written(None, confidence, label)]
    boxes = [numbers]
    while nested and (comma := _COMMA.match(written, boxes[-1].end())):
        further = _FOUR_NUMBERS.match(written, comma.end())
        if further is None:
            break
        boxes.append(further)
    return [Written([number(digits) for digits in box.groups()], confidence, label) for box in boxes]


def _label(written: str, labels: Sequence[str]) -> str | None:
    found = _LABEL_KEY.search(written)
    if found is None:
        return None
    place, text = found.groups()
    if place is None:
        return str(text).strip()
    return labels[int(place)] if int(place) < len(labels) else None


def number(digits: str) -> float:
    """Return the number that a text says, NaN if it is none."""
    try:
        return float(digits)
    except ValueError:  # signs, points and exponents in no order
        return math.nan
