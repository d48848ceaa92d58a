# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from reference_answers import NO_CHECK, answered

from verl_visual_rft.tasks import read_truth


@pytest.mark.parametrize(
    ("body", "accuracy"),
    [("Pink_Prim Rose", 1), ("prim", 1), ("", 1), ("\nno flower\n", 0), ("prim-rose", 0)],
)
def test_classification(body: str, accuracy: float) -> None:
    result = NO_CHECK.classification(answered(body), read_truth("classification", {"label": "primrose"}))
    assert result == {"score": accuracy + 1, "accuracy": accuracy, "format": 1}
