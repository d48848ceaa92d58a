# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from verl_visual_rft.rewards import score


@pytest.mark.parametrize(
    ("answer", "accuracy"),
    [("american_bulldog", 1), (" American  Bulldog\n", 1), ("bulldog", 0), ("american bulldog.", 0), ("", 0)],
)
def test_classification(answer: str, accuracy: float) -> None:
    for response, form in ((f"<think></think><answer>{answer}</answer>", 1), (f"<answer>{answer}</answer>", 0)):
        result = score("classification", response, {"label": "American Bulldog"}, "paper")
        assert (result["accuracy"], result["format"], result["score"]) == (accuracy, form, accuracy + form)
