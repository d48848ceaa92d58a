# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The ways in which models write boxes: where a text with boxes stands, pairs of corners, and when a box is valid.

What is a box is judged strictly and in one place (`valid_box`); how the text around it is written, leniently.
Everything here takes time linear in the text, whatever the text is. Lists of objects are in `objects`.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, NamedTuple

from verl_visual_rft.answers.absence import says_nothing
from verl_visual_rft.answers.tags import Tagged, unfence
from verl_visual_rft.boxes import Box

#: Boxes read from one answer (LVIS evaluates as many in a whole image); what follows counts as invalid, unread.
MAX_BOXES = 300
#: How far a corner may lie outside the picture to be moved to its edge, as a share of the extent: 10 of 1000.
OVERHANG = 0.01

_DIGITS = "[0-9]{1,64}"
_CORNER = rf"\(\s*({_DIGITS})\s*,\s*({_DIGITS})\s*\)"
#: ``(x,y)``, also with signs and decimals; two groups.
LOOSE_CORNER = _CORNER.replace(_DIGITS, rf"-?{_DIGITS}(?:\.{_DIGITS})?")
#: ``(x1,y1),(x2,y2)`` of whole numbers, as the prompt asks and the published code reads it.
PAIR = re.compile(rf"{_CORNER}\s*,\s*{_CORNER}")
#: The same, also with signs, decimals and without the comma between the corners.
LOOSE_PAIR = re.compile(rf"{LOOSE_CORNER}(?:\s*,)?\s*{LOOSE_CORNER}")

_UNTAGGED_START = re.compile(r"[\[{`［｛【]|[(（]\s*-?[0-9０-９]")  # noqa: RUF001
_FULL_WIDTH = list(
    zip("（），．：［］｛｝【】、；－０１２３４５６７８９“”‘’", "(),.:[]{}[],;-0123456789\"\"''", strict=True)
)  # noqa: RUF001


class Written(NamedTuple):
    """A box as it stands in an answer, not yet judged.

    Attributes:
        position: Four numbers, or whatever else stands in their place.
        confidence: A number, or whatever else stands in its place; None when nothing does.
        label: A name, or whatever else stands in its place; None when nothing does.
    """

    position: Any
    confidence: Any
    label: Any = None


UNREAD = Written(None, None)


def find_list(tagged: Tagged) -> tuple[str | None, list[str]]:
    """Return the text in which boxes may be written, None when there is no answer, and what is amiss around it.

    Without an answer block the text outside the reasoning counts if it begins as boxes do. A code fence is left out.
    """
    text, faults = tagged.text()
    if tagged.answer is None and not _UNTAGGED_START.match(text.strip()):
        return None, []
    text, fence = unfence(text)
    return text, [*faults, fence] if fence else faults


def find_list_or_nothing(tagged: Tagged) -> tuple[str | None, list[str]]:
    """As `find_list`; without an answer block, words outside the reasoning that say "No Objects" are an answer too."""
    text, faults = find_list(tagged)
    if text is None and says_nothing(half_width(tagged.untagged.strip())[0]):
        return tagged.untagged.strip(), ["no answer tags"]
    return text, faults


def half_width(text: str) -> tuple[str, str]:
    """Return a text with ASCII punctuation and digits for full-width ones, and what is said of them."""
    narrow = text
    if not text.isascii():
        for wide, plain in _FULL_WIDTH:  # seven times faster than `str.translate` where the text is of another script
            narrow = narrow.replace(wide, plain)
    return narrow, "" if narrow == text else "full-width punctuation"


def read_pairs(text: str, pattern: re.Pattern[str] = LOOSE_PAIR) -> list[Written]:
    """Read every ``(x1,y1),(x2,y2)`` of a pattern, with any white space."""
    pairs = list(islice(pattern.finditer(text), MAX_BOXES))
    surplus = text.count("(", pairs[-1].end()) // 2 if len(pairs) == MAX_BOXES else 0
    return [Written([*map(float, pair.groups())], None) for pair in pairs] + [UNREAD] * surplus


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


def clipped_box(position: Any, extent: tuple[float, float]) -> Box | None:
    """Return a box that is not valid as it stands moved to the edge, if no corner lies far outside, else None.

    Far is more than `OVERHANG` of the extent: 1001 or -1 is rounding, 1200 is another scale.
    """
    if type(position) is not list or len(position) != 4:
        return None
    clipped = []
    for value, end in zip(position, (*extent, *extent), strict=True):
        if type(value) not in (int, float) or not -OVERHANG * end <= value <= (1 + OVERHANG) * end:
            return None
        clipped.append(min(max(value, 0.0), end))
    return valid_box(clipped, extent)


def judged_box(position: Any, extent: tuple[float, float]) -> tuple[Box | None, bool]:
    """Return a box that is valid, as it stands or moved to the edge, else None; and whether it was moved."""
    box = valid_box(position, extent)
    if box is not None:
        return box, False
    box = clipped_box(position, extent)
    return box, box is not None


def valid_confidence(confidence: Any) -> float | None:
    """Return a confidence if it is a number in [0, 1], else None."""
    if (type(confidence) is float or type(confidence) is int) and 0 <= confidence <= 1:
        return float(confidence)
    return None
