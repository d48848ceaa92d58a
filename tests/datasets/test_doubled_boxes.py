# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One object that is boxed twice."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from verl_visual_rft.coordinates import Box
from verl_visual_rft.datasets.doubled_boxes import doubled_boxes


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
