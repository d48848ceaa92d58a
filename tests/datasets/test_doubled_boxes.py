# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One object that is boxed twice."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from verl_visual_rft.boxes import Box
from verl_visual_rft.datasets.doubled_boxes import doubled_boxes

MANY = 20_000
HOSTILE: dict[str, tuple[list[Box], int]] = {
    "one edge": ([(0, 0, 5 + n / 3, 4 + 2 * n) for n in range(MANY)], 0),
    "one corner": ([(0, 0, 5 + 2 * (n % 100), 4 + 2 * (n // 100)) for n in range(MANY)], 0),
    "specks": ([(n / MANY, 0, (n + 0.5) / MANY, 1e-5) for n in range(MANY)], 0),
    "one box": ([(10, 10, 50, 50)] * MANY, MANY - 1),
}


@pytest.mark.parametrize(("boxes", "doubled"), HOSTILE.values(), ids=HOSTILE)
def test_many_boxes_that_nearly_are_one(boxes: list[Box], doubled: int) -> None:
    assert len(doubled_boxes(dict(enumerate(boxes)))) == doubled


@pytest.mark.parametrize(
    ("boxes", "doubled"),
    [
        ({1: (0, 0, 50, 40)}, set()),
        ({1: (0, 0, 50, 40), 2: (0, 0, 50, 40)}, {2}),
        ({5: (0, 0, 50, 40), 2: (0, 0, 50, 40), 9: (0, 0, 50, 40)}, {5, 9}),  # the first id stays
        ({1: (0, 0, 50, 40), 2: (0.9, 0.9, 50.9, 40.9)}, {2}),  # rounded otherwise
        ({1: (0, 0, 50, 40), 2: (1.5, 0, 50, 40)}, set()),
        ({1: (0, 0, 4, 4), 2: (1, 0, 5, 4)}, set()),  # small things side by side
        ({1: (0, 0, 50, 40), 2: (0, 50, 50, 90), 3: (0, 50, 50, 90)}, {3}),
        ({1: (10, 10, 60, 60), 2: (10, 10, 60, 90)}, set()),  # one in the other
    ],
)
def test_what_is_one_object(boxes: Mapping[int, Box], doubled: set[int]) -> None:
    assert doubled_boxes(boxes) == doubled
