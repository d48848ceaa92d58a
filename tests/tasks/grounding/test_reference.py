# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from reference_answers import NO_CHECK, answered

from verl_visual_rft.tasks import read_truth


@pytest.mark.parametrize(
    ("body", "accuracy"),
    [
        pytest.param("(500,400),(700,600)", 4 / 3, id="half beside it"),
        pytest.param("(600,600),(400,400)", 2, id="inverted"),
        pytest.param("(600,400),(400,600)", 0, id="inverted on one axis: no union"),
        pytest.param("(400,400),(1,1) and (600,600),(2,2)", 2, id="two boxes: their first corners"),
        pytest.param("(400,400),(600,600), I think", 2, id="text around it"),
        pytest.param("no box", 0, id="no box"),
        pytest.param(f"({10**320},1),(1,2)", 0, id="no float"),
    ],
)
def test_grounding(body: str, accuracy: float) -> None:
    result = NO_CHECK.grounding(answered(body), read_truth("grounding", {"box": [400, 400, 600, 600]}))
    assert result == pytest.approx({"score": accuracy + 1, "accuracy": accuracy, "format": 1, "nan": 0})


def test_the_published_notation_without_integers_fits_no_answer() -> None:
    truth = read_truth("grounding", {"box": [400.5, 400, 600, 600]})
    assert NO_CHECK.grounding(answered("(400,400),(600,600)"), truth)["accuracy"] == 0
    assert NO_CHECK.grounding(answered("(400.5,400),(600,600)"), truth)["accuracy"] == 2  # the same text
