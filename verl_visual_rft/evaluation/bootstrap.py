# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How sure a figure is: bootstrap intervals over pictures, and the spread of several runs.

Answers about one picture depend on each other, so pictures are drawn, with all their questions, and not questions
(percentile intervals: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Where every picture is
right, or none is, all draws are alike and say nothing: `beyond_the_draws`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.errors import UserError

RESAMPLES = 1000
#: Share of the resamples that lies inside an interval.
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """Percentile interval of a figure, in the figure's unit."""

    low: float
    high: float


@dataclass(frozen=True)
class MeanSd:
    """Mean and sample standard deviation (``n - 1``) of ``n`` runs; ``sd`` is ``None`` of one run."""

    mean: float
    sd: float | None
    n: int


def resample_counts(n: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.int32]:
    """How often each of ``n`` pictures is drawn in each resample.

    Returns:
        Array (resamples, n); every row sums to ``n``. The same arguments give the same draws.

    Example:
        >>> resample_counts(4, resamples=2, seed=0).sum(axis=1).tolist()
        [4, 4]
    """
    shares = np.full(n, 1 / n)
    return np.random.default_rng(seed).multinomial(n, shares, size=resamples).astype(np.int32)


def percentile_interval(values: NDArray[Any]) -> Interval | None:
    """The middle 95 % of a figure's resampled values; resamples without a value (NaN) are left out.

    Returns:
        The interval; ``None`` where no resample has a value.
    """
    values = values[~np.isnan(values)]
    if not values.size:
        return None
    return Interval(float(np.quantile(values, (1 - LEVEL) / 2)), float(np.quantile(values, (1 + LEVEL) / 2)))


def beyond_the_draws(interval: Interval | None, pictures: int, most: float = 1.0) -> Interval | None:
    """Return the interval of a share; of one that is 0 or the most in every draw, the exact one of Clopper and Pearson.

    ``pictures`` that are all right are what chance gives in 2.5 % of the cases where a share of 2.5 %^(1/pictures) is
    (Clopper and Pearson, Biometrika 26, 1934), a picture being right or wrong as a whole. Of 20 pictures: 83 to 100 %.

    Args:
        interval: As `percentile_interval` gives it.
        pictures: How many the share is of.
        most: What the share is where every picture is right: 1, or 100 in percent.

    Example:
        >>> beyond_the_draws(Interval(1.0, 1.0), 20)
        Interval(low=0.8315665..., high=1.0)
    """
    if interval is None or not pictures or not math.isclose(interval.low, interval.high, abs_tol=1e-9 * most):
        return interval
    unseen = most * (1 - ((1 - LEVEL) / 2) ** (1 / pictures))
    if math.isclose(interval.low, most, rel_tol=1e-9):
        return Interval(most - unseen, most)
    if math.isclose(interval.high, 0.0, abs_tol=1e-9 * most):
        return Interval(0.0, unseen)
    return interval


def ratio_interval(
    numerators: Sequence[float],
    denominators: Sequence[float],
    images: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Interval of ``sum(numerators) / sum(denominators)`` over pictures drawn with replacement.

    A mean is a ratio with denominators of 1; cIoU is one of intersections and unions. Of a single picture the interval
    is the figure itself, for it says nothing of other pictures. Of shares see `share_interval`.

    Args:
        numerators: One a question.
        denominators: One a question, not negative, not all 0.
        images: The picture of each question.
        resamples: How many sets of pictures are drawn.
        seed: Of the draws.

    Raises:
        ValueError: The sequences differ in length, or the denominators add up to nothing.

    Example:
        >>> ratio_interval([1, 0, 1, 1], [1, 1, 1, 1], ["a", "a", "b", "c"])
        Interval(low=0.5, high=1.0)
    """
    numbers: dict[Hashable, int] = {}
    rows = [numbers.setdefault(image, len(numbers)) for image in images]
    sums = np.zeros((2, len(numbers)))
    for total, values in zip(sums, (numerators, denominators), strict=True):
        if len(values) != len(rows):
            raise ValueError(f"{len(values)} values of {len(rows)} questions")
        np.add.at(total, rows, np.asarray(values, dtype=float))
    if not sums[1].sum() > 0:
        raise ValueError("the denominators add up to nothing: the ratio has no value")
    drawn = resample_counts(len(numbers), resamples, seed) @ sums.T
    with np.errstate(invalid="ignore"):
        interval = percentile_interval(drawn[:, 0] / drawn[:, 1])
    whole = sums[0].sum() / sums[1].sum()
    return interval or Interval(float(whole), float(whole))


def share_interval(
    numerators: Sequence[float],
    denominators: Sequence[float],
    images: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Interval of a ratio that lies between 0 and 1: `ratio_interval`, and at both ends `beyond_the_draws`."""
    interval = ratio_interval(numerators, denominators, images, resamples=resamples, seed=seed)
    counted = {image for image, denominator in zip(images, denominators, strict=True) if denominator}
    return beyond_the_draws(interval, len(counted)) or interval


def mean_interval(
    values: Sequence[float], images: Sequence[Hashable], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Interval of the mean of ``values``; see `ratio_interval`."""
    return ratio_interval(values, [1.0] * len(values), images, resamples=resamples, seed=seed)


def mean_and_sd(values: Sequence[float]) -> MeanSd:
    """Sum up one figure over runs of the same experiment with different seeds.

    Raises:
        UserError: There is no run.

    Example:
        >>> mean_and_sd([31.0, 33.0])
        MeanSd(mean=32.0, sd=1.4142135623730951, n=2)
    """
    if not values:
        raise UserError("no run to take the mean of; give the metrics of at least one")
    return MeanSd(fmean(values), stdev(values) if len(values) > 1 else None, len(values))
