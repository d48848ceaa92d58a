# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.bootstrap import (
    Interval,
    MeanSd,
    beyond_the_draws,
    mean_and_sd,
    mean_interval,
    percentile_interval,
    ratio_interval,
    resample_counts,
    share_interval,
)


def test_draws_are_with_replacement_and_repeatable():
    counts = resample_counts(50, resamples=200, seed=1)
    assert counts.shape == (200, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert counts.max() > 1
    assert (counts == resample_counts(50, resamples=200, seed=1)).all()
    assert (counts != resample_counts(50, resamples=200, seed=2)).any()


def test_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(10, 2, 400)
    interval = mean_interval(values, range(400), resamples=4000)
    error = values.std(ddof=1) / 20
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.02)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.02)


def test_answers_on_one_picture_are_drawn_together():
    values = [0.0, 1.0] * 50
    apart = mean_interval(values, range(100))
    together = mean_interval(values, [question % 2 for question in range(100)])
    assert (together.low, together.high) == (0.0, 1.0), "two pictures, one all wrong and one all right"
    assert apart.high - apart.low < 0.3


def test_a_ratio_is_of_sums():
    # The same two numbers on every picture: no resample can change 3 / 9, while a mean of ratios would be 5 / 12.
    interval = ratio_interval([1, 2] * 20, [1, 8] * 20, [question // 2 for question in range(40)])
    assert interval == Interval(pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_one_picture_says_nothing_of_others():
    assert mean_interval([0.25, 0.75], ["a", "a"]) == Interval(0.5, 0.5)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=30))
def test_interval_lies_within_the_values(questions):
    values, images = zip(*questions, strict=True)
    interval = mean_interval(values, images, resamples=50)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9


@pytest.mark.parametrize(("numerators", "denominators"), [([0, 0], [0, 0]), ([], [])])
def test_a_ratio_without_value_is_refused(numerators, denominators):
    with pytest.raises(ValueError, match="add up to nothing"):
        ratio_interval(numerators, denominators, range(len(numerators)))


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="1 values of 2 questions"):
        ratio_interval([1.0], [1.0], ["a", "b"])


def test_resamples_without_a_value_are_left_out():
    assert percentile_interval(np.array([np.nan, 3.0, 3.0])) == Interval(3.0, 3.0)
    assert percentile_interval(np.array([np.nan])) is None


@pytest.mark.parametrize("n", [1, 2, 5, 20, 300])
def test_where_all_are_alike_the_interval_is_that_of_the_pictures_that_were_not_seen(n):
    right, wrong = (share_interval([value] * n, [1.0] * n, range(n), resamples=50) for value in (1.0, 0.0))
    # All of n pictures are right with probability 2.5 % where a share of `low` is.
    assert right.high == 1.0 and right.low**n == pytest.approx(0.025)
    assert wrong.low == 0.0 and (1 - wrong.high) ** n == pytest.approx(0.025)


def test_several_questions_on_one_picture_are_one_trial():
    many = share_interval([1.0] * 40, [1.0] * 40, [question % 5 for question in range(40)])
    assert many == share_interval([1.0] * 5, [1.0] * 5, range(5))
    empty = share_interval([1.0] * 5 + [0.0] * 5, [1.0] * 5 + [0.0] * 5, range(10))
    assert empty == many, "a picture without a denominator is none"


@pytest.mark.parametrize("values", [[1, 1, 1, 0], [0.5] * 4, [0.25, 0.75, 0.5, 1.0]])
def test_elsewhere_a_share_has_the_interval_of_a_mean(values):
    assert share_interval(values, [1.0] * 4, range(4)) == mean_interval(values, range(4))


def test_a_mean_that_is_no_share_stays_as_drawn():
    assert mean_interval([3.0] * 4, range(4)) == Interval(3.0, 3.0)
    assert beyond_the_draws(None, 4) is None and beyond_the_draws(Interval(0.4, 0.4), 4) == Interval(0.4, 0.4)


def test_it_covers_a_rare_failure_that_the_draws_cannot_know():
    """Of 20 pictures with a true share of 0.95 all are right every third time."""
    rng = np.random.default_rng(0)
    hits, drawn, exact = 0, 0, 0
    for _ in range(200):
        values = (rng.random(20) < 0.95).astype(float)
        hits += values.all()
        intervals = (f(values, [1.0] * 20, range(20), resamples=200) for f in (ratio_interval, share_interval))
        before, after = (interval.low <= 0.95 <= interval.high for interval in intervals)
        drawn, exact = drawn + before, exact + after
    assert hits > 40
    assert exact >= 0.93 * 200 > 0.8 * 200 > drawn


def test_runs_with_different_seeds():
    assert mean_and_sd([30.0, 32.0, 34.0]) == MeanSd(32.0, 2.0, 3)
    assert mean_and_sd([30.0]) == MeanSd(30.0, None, 1)
    with pytest.raises(UserError, match="no run"):
        mean_and_sd([])
