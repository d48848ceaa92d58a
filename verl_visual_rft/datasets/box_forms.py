# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""As what do the boxes of a file fit? COCO's are ``[x, y, width, height]`` in pixels; many files hold something else.

One box seldom tells: ``[10, 10, 60, 60]`` is a box in either notation. All boxes of a file together do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from verl_visual_rft.boxes import Box, part_within
from verl_visual_rft.coordinates import Size
from verl_visual_rft.errors import UserError

_Any = TypeVar("_Any")

_STRAY = 0.1  # of the boxes, or one of a few: so many may be single mistakes of a hand
_FEW = 5
_LOOKED_AT = 50_000
_BITS = 20  # of evidence that boxes lie in a corner: 20 boxes within a half, 5 within a twentieth
_EDGE = 1.0  # pixels by which rounding lets a box reach out
_SLIP = 0.02  # of a side, by which a hand does

_LAYOUTS: dict[str, Callable[[float, float, float, float], Box]] = {
    "xywh": lambda x, y, width, height: (x, y, x + width, y + height),
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "cxcywh": lambda x, y, width, height: (x - width / 2, y - height / 2, x + width / 2, y + height / 2),
}
_WORDS = {
    "xywh": "[x, y, width, height]",
    "xyxy": "[x1, y1, x2, y2]",
    "cxcywh": "[centre x, centre y, width, height]",
}
_SHARES = "-shares"

#: The rule under which boxes that reach out of their pictures are counted.
CUT = "box cut at the picture's edge"
#: How COCO writes boxes.
COCO_FORM = "xywh"
#: What four numbers of a file may be: corner and size, two corners, or centre and size; in pixels, or as shares of 1.
FORMS = (*_LAYOUTS, *(f"{layout}{_SHARES}" for layout in _LAYOUTS))


class Entry(NamedTuple):
    """Four numbers of a file, the size of their picture, and the area that the file gives, or None."""

    numbers: Sequence[float]
    size: tuple[float, float]
    area: float | None = None


def corners_of(form: str, numbers: Sequence[float], size: tuple[float, float]) -> Box:
    """Return ``(x1, y1, x2, y2)`` in pixels of four numbers that are written in one of the `FORMS`.

    Example:
        >>> corners_of("cxcywh-shares", [0.5, 0.5, 0.5, 1], (400, 300))
        (100.0, 0.0, 300.0, 300.0)
    """
    layout = form.removesuffix(_SHARES)
    x1, y1, x2, y2 = _LAYOUTS[layout](*numbers)
    if layout == form:
        return x1, y1, x2, y2
    return x1 * size[0], y1 * size[1], x2 * size[0], y2 * size[1]


def reaches_out(box: Box, size: Size) -> bool:
    """Whether a box, ``(x1, y1, x2, y2)`` in pixels, leaves its picture by more than rounding does."""
    return max(-box[0], -box[1], box[2] - size[0], box[3] - size[1]) > _EDGE


def spread(boxes: Sequence[_Any]) -> Sequence[_Any]:
    """Return at most 50,000 boxes from all over a file: they tell as much as a million."""
    return boxes[:: len(boxes) // _LOOKED_AT + 1]


def require_form(form: str, boxes: Sequence[Entry], where: str, told: bool = False) -> None:
    """Refuse a file whose boxes, taken together, are not written as they are read.

    Args:
        form: One of the `FORMS`: how the boxes are read.
        boxes: Those of the file, `spread` over it.
        where: Names the file.
        told: The user gave the form: then it is refused only where boxes have no area in their pictures; what reaches
            out of them is the caller's to cut and count.

    Raises:
        UserError: The boxes fit as something else, or not at all; the message names the option that decides.
    """
    most = _most(len(boxes))
    if not boxes:
        return
    says = f"{where}: boxes are read as {_described(form)}, but"
    if told:
        _require_areas(boxes, form, says)
        return
    if not form.endswith(_SHARES):
        between = sum(min(numbers) >= 0 and max(numbers) <= 1 for numbers, _, _ in boxes)
        if between >= most:
            also = _fitting(boxes, [name for name in FORMS if name.endswith(_SHARES)])
            raise UserError(
                f"{says} {between} of {len(boxes)} lie between 0 and 1, as shares of the picture do; {_choose(also)}"
            )
        if between > len(boxes) - most:
            raise UserError(
                f"{says} {between} of {len(boxes)} lie between 0 and 1, as shares of the picture do, and the others do "
                "not; write all of them alike"
            )
    fits = sum(_fits(form, entry) for entry in boxes)
    areas = sum(map(_has_area_of_corners, boxes))
    if fits >= most and (form != COCO_FORM or areas < most):
        require_spread(boxes, f"{says} all {len(boxes)}", f", or give --bbox {form} if they are right", form)
        return
    also = _fitting(boxes, [name for name in FORMS if name != form and not name.endswith(_SHARES)])
    if also:
        raise UserError(f"{says} {fits} of {len(boxes)} fit their pictures so; {_choose(also)}")
    x, y = _farthest(form, boxes)
    raise UserError(
        f"{says} {len(boxes) - fits} of {len(boxes)} reach out of their pictures or have no area, up to {x:.2f} times "
        f"the width and {y:.2f} times the height: they were drawn at another resolution, it seems; scale them to the "
        f"pictures, or give --bbox {form} to have them cut at the edges"
    )


def require_spread(boxes: Sequence[Entry], what: str, otherwise: str = "", form: str = "xyxy") -> None:
    """Refuse a file whose boxes all lie in a corner of their pictures; see `corner_of_all`.

    Args:
        boxes: Those of the file.
        what: Names the file and the boxes, for the message.
        otherwise: What else can be done than to scale them, for the message.
        form: One of the `FORMS`.

    Raises:
        UserError: They do.
    """
    corner = corner_of_all(form, boxes)
    if corner is not None:
        raise UserError(
            f"{what} lie within {corner[0]:.2f} of the width and {corner[1]:.2f} of the height: they were drawn at "
            f"another resolution, it seems; scale them to the pictures{otherwise}"
        )


def corner_of_all(form: str, boxes: Sequence[Entry]) -> tuple[float, float] | None:
    """Return what shares of width and height all boxes lie within, where so many of them cannot do so by chance.

    Boxes that were drawn on a smaller version of their pictures do, and shares of 1 that were taken for pixels.
    """
    if not boxes:
        return None
    x, y = _farthest(form, boxes)
    share = max(x, y)
    return (x, y) if share <= 0.5 and (share <= 0 or -len(boxes) * math.log2(share) >= _BITS) else None


def _require_areas(boxes: Sequence[Entry], form: str, says: str) -> None:
    areas = sum(part_within(corners_of(form, numbers, size), size) is not None for numbers, size, _ in boxes)
    if areas < _most(len(boxes)):
        also = _fitting(boxes, [name for name in FORMS if name != form])
        raise UserError(f"{says} only {areas} of {len(boxes)} have an area in their pictures; {_choose(also)}")


def _fits(form: str, entry: Entry) -> bool:
    """Whether a box has an area and lies in its picture, but for the slip of a hand."""
    (width, height), (x1, y1, x2, y2) = entry.size, corners_of(form, entry.numbers, entry.size)
    right, lower = max(_EDGE, _SLIP * width), max(_EDGE, _SLIP * height)
    return -right <= x1 < x2 <= width + right and -lower <= y1 < y2 <= height + lower


def _most(count: int) -> float:
    """Return how many of the boxes must fit."""
    return count - max(_STRAY * count, 1) if count >= _FEW else count


def _fitting(boxes: Sequence[Entry], forms: Sequence[str]) -> list[tuple[str, int]]:
    counts = [(form, sum(_fits(form, entry) for entry in boxes)) for form in forms]
    return [(form, count) for form, count in counts if count >= _most(len(boxes))]


def _choose(also: Sequence[tuple[str, int]]) -> str:
    if not also:
        return "they fit in no notation that is known here; write them as [x, y, width, height] in pixels"
    return "give " + ", or ".join(f"--bbox {form} ({_described(form)}; {count} fit)" for form, count in also)


def _described(form: str) -> str:
    layout = form.removesuffix(_SHARES)
    return f"{_WORDS[layout]} in {'pixels' if layout == form else 'shares of 1'}"


def _has_area_of_corners(entry: Entry) -> bool:
    """Whether the area in the file is that between two corners, and not that of COCO's notation."""
    (a, b, c, d), _, area = entry
    return area is not None and a < c and b < d and not _close(area, c * d) and _close(area, (c - a) * (d - b))


def _close(area: float, product: float) -> bool:
    return abs(area - product) <= 0.01 * abs(product) + 0.5


def _farthest(form: str, boxes: Sequence[Entry]) -> tuple[float, float]:
    """Return how far right and down boxes reach, in shares of their pictures."""
    ends = [(corners_of(form, numbers, size), size) for numbers, size, _ in boxes]
    return max(box[2] / size[0] for box, size in ends), max(box[3] / size[1] for box, size in ends)
