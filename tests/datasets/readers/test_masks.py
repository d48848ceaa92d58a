# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the masks: the order in which polygons lie over each other, and a real one."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shared_inputs import shared

from verl_visual_rft.datasets.readers.masks import IGNORE, TARGET, Polygon, encode_mask, require_opencv
from verl_visual_rft.errors import UserError

pytest.importorskip("cv2", reason="OpenCV, which draws the masks, is not installed")


def square(label: str, x: float, y: float, side: float) -> Polygon:
    return Polygon(label, ((x, y), (x + side, y), (x + side, y + side), (x, y + side)))


def drawn(polygons: Sequence[Polygon], size: tuple[int, int] = (20, 12)) -> Any:
    with Image.open(io.BytesIO(encode_mask(polygons, size))) as mask:
        assert (mask.format, mask.mode, mask.size) == ("PNG", "L", size)
        return np.array(mask)


def test_corners_are_cut_to_whole_pixels_and_edges_belong_to_the_mask() -> None:
    mask = drawn([square("target", 2.9, 3.9, 4)])
    expected = np.zeros((12, 20), dtype=np.uint8)
    expected[3:8, 2:7] = TARGET
    assert (mask == expected).all()


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(("inner", "outer"), [("target", "ignore"), ("ignore", "target")])
def test_the_smaller_polygon_lies_on_top_whatever_the_order(turn: int, inner: str, outer: str) -> None:
    values = {"target": TARGET, "ignore": IGNORE}
    mask = drawn([square(inner, 4, 4, 3), square(outer, 2, 2, 8)][::turn])
    assert (mask[5, 5], mask[3, 3], mask[0, 0]) == (values[inner], values[outer], 0)


def test_of_equal_polygons_the_first_lies_on_top() -> None:
    """As in LISA, which turns a stable ascending order round."""
    assert drawn([square("target", 2, 2, 4), square("ignore", 2, 2, 4)])[3, 3] == TARGET


@pytest.mark.parametrize(
    ("label", "value"), [("flag", 0), ("Flag", 0), ("Ignore", IGNORE), ("ignored", IGNORE), ("Target", TARGET)]
)
def test_labels_are_read_as_lisa_reads_them(label: str, value: int) -> None:
    assert drawn([square(label, 2, 2, 4)])[3, 3] == value


def test_parts_outside_the_picture_and_flags_of_two_points_do_no_harm() -> None:
    mask = drawn([square("target", -5, -5, 8), Polygon("flag", ((1, 1), (9, 9)))])
    assert int(mask.sum()) == 16


def test_the_real_mask_has_the_pixels_that_lisa_draws() -> None:
    shapes = json.loads(shared("data/reasonseg/val_8451614203_e6484a2cb4_o.json").read_text())["shapes"]
    mask = drawn([Polygon(s["label"], tuple((x, y) for x, y in s["points"])) for s in shapes], (1417, 944))
    assert (int((mask == TARGET).sum()), int((mask == IGNORE).sum())) == (27717, 12694)
    box = np.zeros_like(mask, dtype=bool)
    box[101:260, 731:1185] = True
    union, counted = box | (mask == TARGET), mask != IGNORE
    assert (int((box & (mask == TARGET)).sum()), int((union & counted).sum()), int(union.sum())) == (
        27701,
        59521,
        72202,
    )


def test_without_opencv_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError, match="pip install 'verl-visual-rft"):
        require_opencv()
