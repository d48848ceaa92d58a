# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The box around a segmentation."""

from __future__ import annotations

from typing import Any

import pytest

from verl_visual_rft.datasets.segmentation import box_around


@pytest.mark.parametrize(
    ("segmentation", "box"),
    [
        ([[10, 5, 40, 5, 40, 25]], [10, 5, 30, 20]),
        ([[10, 5, 40, 5, 40, 25], [2, 8, 4, 8, 4, 9]], [2, 5, 38, 20]),
        ([[1.5, 2, 3.5, 2, 3.5, 9]], [1.5, 2, 2.0, 7]),
        ({"size": [3, 4], "counts": [4, 2, 1, 2, 3]}, [1, 1, 2, 2]),
        ({"size": [3, 4], "counts": [0, 12]}, [0, 0, 4, 3]),
        ({"size": [3, 4], "counts": [1, 4, 7]}, [0, 0, 2, 3]),  # over the end of a column
        ({"size": [3, 4], "counts": [12]}, None),
        ({"size": [3, 4], "counts": "422O1"}, [1, 1, 2, 2]),  # packed by pycocotools, a negative difference in it
        ({"size": [3, 4], "counts": "0<"}, [0, 0, 4, 3]),
        ({"size": [100, 100], "counts": "U3Z1"}, [1, 1, 1, 42]),  # numbers of two characters
        ({"size": [3, 4], "counts": "PPQ"}, None),  # cut off
        ({"size": [3, 4], "counts": ""}, None),
        ({"size": [3, 4], "counts": "4 2"}, None),
        ({"size": [3, 4], "counts": "\u72d7"}, None),
        ({"size": [3, 4], "counts": "o" * 100_000}, None),  # a number without end
        ({"size": [3, 4], "counts": "OOO"}, None),  # below zero
        ({"size": [0, 4], "counts": [0, 4]}, None),
        ({}, None),
        ([], None),
        ([[]], None),
        ([[1, 2, 3]], None),
        ([[1, 2, "3", 4]], None),
        ([1, 2, 3, 4], None),
        ([[float("nan"), 2, 3, 4]], None),
        ("polygon", None),
    ],
)
def test_boxes(segmentation: Any, box: list[float] | None) -> None:
    assert box_around(segmentation) == box
