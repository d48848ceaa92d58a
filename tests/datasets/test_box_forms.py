# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""As what do the boxes of a file fit?"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from verl_visual_rft.boxes import Box
from verl_visual_rft.coordinates import Size
from verl_visual_rft.datasets.box_forms import FORMS, Entry, corners_of, reaches_out, require_form
from verl_visual_rft.errors import UserError

SIZE = (400, 300)


def boxes(count: int = 40, size: Size = SIZE) -> list[Box]:
    """Boxes ``(x1, y1, x2, y2)`` all over the picture."""
    draw = random.Random(7)
    ends = [sorted(draw.sample(range(size[0]), 2)) + sorted(draw.sample(range(size[1]), 2)) for _ in range(count)]
    return [(x1, y1, x2, y2) for x1, x2, y1, y2 in ends]


def written(form: str, box: Box, size: Size = SIZE) -> list[float]:
    """The four numbers of a box, in a form."""
    x1, y1, x2, y2 = box
    width, height = size if form.endswith("-shares") else (1, 1)
    x1, y1, x2, y2 = x1 / width, y1 / height, x2 / width, y2 / height
    return {
        "xywh": [x1, y1, x2 - x1, y2 - y1],
        "xyxy": [x1, y1, x2, y2],
        "cxcywh": [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1],
    }[form.removesuffix("-shares")]


def entries(form: str, listed: Sequence[Box]) -> list[Entry]:
    return [Entry(written(form, box), SIZE) for box in listed]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_corners_in_pixels(form: str) -> None:
    for box in boxes():
        assert corners_of(form, written(form, box), SIZE) == pytest.approx(box)


@pytest.mark.parametrize("form", FORMS)
def test_boxes_that_are_written_as_they_are_read_are_taken(form: str) -> None:
    require_form(form, entries(form, boxes()), "f.json", told=True)


@pytest.mark.parametrize(
    ("read", "form"), [(read, form) for read in ("xywh", "xyxy") for form in FORMS if read != form]
)
def test_boxes_of_another_form_are_refused_with_the_option_that_says_so(read: str, form: str) -> None:
    with pytest.raises(UserError, match=rf"^f.json: boxes are read as .*--bbox {form} "):
        require_form(read, entries(form, boxes()), "f.json")


def test_an_area_that_only_corners_have_tells_where_all_boxes_fit() -> None:
    small = [(x, x, x + 90.0, x + 110.0) for x in range(10, 40)]  # as [x, y, width, height] they stay inside, too
    known = [Entry(box, SIZE, 90.0 * 110.0) for box in small]
    with pytest.raises(UserError, match="--bbox xyxy"):
        require_form("xywh", known, "f.json")
    require_form("xywh", [Entry(box, SIZE, box[2] * box[3] * 0.6) for box in small], "f.json")  # of a mask, as COCO's


@pytest.mark.parametrize("scale", [0.4, 0.25, 1.6, 2.5, 10.0])
def test_boxes_of_another_resolution_are_refused(scale: float) -> None:
    scaled = [Entry([value * scale for value in written("xywh", box)], SIZE) for box in boxes()]
    with pytest.raises(UserError, match="another resolution"):
        require_form("xywh", scaled, "f.json")


def test_shares_beside_pixels_are_refused() -> None:
    mixed = entries("xywh", boxes()[:30]) + entries("xywh-shares", boxes()[30:])
    with pytest.raises(UserError, match="10 of 40 lie between 0 and 1, .* and the others do not"):
        require_form("xywh", mixed, "f.json")


def test_single_slips_are_not_taken_for_a_form() -> None:
    slips = [*entries("xywh", boxes()), Entry([390, 10, 50, 20], SIZE), Entry([0.5, 0.5, 0.2, 0.2], SIZE)]
    require_form("xywh", slips, "f.json")


@pytest.mark.parametrize("form", ["xywh", "xyxy"])
def test_a_form_that_is_told_decides_where_boxes_have_an_area(form: str) -> None:
    out = [*entries(form, boxes()[:17]), *entries(form, [(300, 200, 428, 290)] * 3)]
    tiny = entries(form, [(10, 10, 300, 200), (0, 0, 1, 1)])
    for listed in (out, tiny):
        with pytest.raises(UserError):
            require_form(form, listed, "f.json")
        require_form(form, listed, "f.json", told=True)


def test_a_form_that_is_told_is_refused_where_boxes_have_no_area_so() -> None:
    with pytest.raises(UserError, match=r"only \d+ of 40 have an area in their pictures; give --bbox xywh \("):
        require_form("xyxy", entries("xywh", boxes()), "f.json", told=True)
    with pytest.raises(UserError, match=r"only 0 of 40 have an area in their pictures; give .*--bbox xyxy \("):
        require_form("xyxy-shares", entries("xyxy", [(40, 40, 90, 90)] * 40), "f.json", told=True)


def test_a_box_or_two_in_the_corner_say_nothing() -> None:
    require_form("xywh", [Entry([10, 10, 20, 20], SIZE)] * 5, "f.json")
    require_form("xywh", [Entry([10, 10, 20, 20], SIZE)] * 50, "f.json", told=True)
    require_form("xywh", [], "f.json")


@pytest.mark.parametrize(
    ("box", "out"),
    [((0, 0, 400, 300), False), ((-1, 0, 401, 301), False), ((-1.1, 0, 9, 9), True), ((0, 0, 9, 302), True)],
)
def test_rounding_does_not_reach_out(box: Box, out: bool) -> None:
    assert reaches_out(box, SIZE) is out
