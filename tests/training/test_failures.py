# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from verl_visual_rft.errors import RewardError
from verl_visual_rft.training.failures import failure, raise_failures
from verl_visual_rft.training.launch import last_error


def test_a_failure_among_results_ends_the_run_with_its_message() -> None:
    failed = failure("row 3: no truth")["reward_extra_info"]
    with pytest.raises(RewardError, match="a response could not be scored: row 3: no truth"):
        raise_failures([{"score": 1.0}, failed, {"score": 0.0}])


def test_the_log_of_the_run_shows_the_message_and_not_the_traceback_in_it() -> None:
    """The launcher shows the last error of the log; the one that a traceback ends with is the same for every row."""
    failed = failure("row 3: it raised", "Traceback (most recent call last):\nValueError: no colour")[
        "reward_extra_info"
    ]
    with pytest.raises(RewardError) as caught:
        raise_failures([failed])
    assert "ValueError: no colour" in str(caught.value)
    shown = last_error(f"verl_visual_rft.errors.RewardError: {caught.value}\n")
    assert shown is not None and shown.endswith("a response could not be scored: row 3: it raised")


def test_results_without_failure_pass() -> None:
    raise_failures([])
    raise_failures([{"score": 1.0}, {"score": 0.0, "failed": 1.0}])
