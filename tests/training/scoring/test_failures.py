# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest

from verl_visual_rft.training.scoring.failures import failure, why_unusable


@pytest.mark.parametrize(
    ("info", "score", "why"),
    [
        ({"score": 1.0}, 1.0, ""),
        ({"score": 0.0, "failed": 1.0}, 0.0, ""),
        (failure("row 3: no truth")["reward_extra_info"], 0.0, "row 3: no truth"),
        ({"score": 0.5, "speed": math.inf}, 0.5, ""),
        ({"score": math.nan}, math.nan, "its reward is nan"),
        ({}, -math.inf, "its reward is -inf"),
    ],
)
def test_what_cannot_be_learnt_from(info: dict[str, float], score: float, why: str) -> None:
    assert why_unusable(info, score) == why


def test_the_details_of_a_failure_follow_its_message_and_begin_no_line() -> None:
    """The launcher shows the last error of the log; the one that a traceback ends with is the same for every row."""
    failed = failure("row 3: it raised", "Traceback (most recent call last):\nValueError: no colour")
    message, *details = why_unusable(failed["reward_extra_info"], 0.0).splitlines()
    assert message == "row 3: it raised"
    assert details and all(line.startswith("    ") for line in details)
