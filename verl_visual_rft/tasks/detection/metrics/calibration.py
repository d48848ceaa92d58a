# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Whether confidences mean what they say: of boxes with confidence 0.8, are 80 % right, or is their IoU 0.8?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.evaluation.bootstrap import Interval, beyond_the_draws, percentile_interval
from verl_visual_rft.tasks.detection.metrics.matching import ClassMatches

_BINS = 10


@dataclass(frozen=True)
class CalibrationBin:
    """Boxes with confidences in [low, high), the last bin with 1.0; means are ``None`` where there are none."""

    low: float
    high: float
    n: int
    confidence: float | None
    precision: float | None


@dataclass(frozen=True)
class Calibration:
    """Confidence against precision at IoU 0.5, and against what the boxes are worth, all in [0, 1].

    Attributes:
        n: Boxes with a confidence that are right or wrong (not on crowds).
        confidence: Their mean confidence.
        precision: Share of them that found an object.
        ece: Expected calibration error ``sum_b n_b / n |confidence_b - precision_b|`` over ten equal bins (Guo et al.,
            2017, arXiv 1706.04599); 0 is best.
        ece_interval: Its interval over pictures.
        la_ece: Localisation-aware calibration error ``sum_b n_b / n |confidence_b - quality_b|`` over the same bins,
            quality being the IoU of a hit at IoU 0.1 and 0 of a miss (Oksuz et al., 2023, arXiv 2307.00934, section
            5; pooled over the categories, as ``ece`` is). It asks what the reward `robust` teaches.
        la_ece_interval: Its interval over pictures.
        bins: The reliability diagram.
    """

    n: int
    confidence: float
    precision: float
    ece: float
    ece_interval: Interval | None
    la_ece: float | None
    la_ece_interval: Interval | None
    bins: tuple[CalibrationBin, ...]


def calibrate(
    matches: Iterable[ClassMatches], claims: Sequence[tuple[int, float, float]], counts: NDArray[Any]
) -> Calibration | None:
    """Compare confidences with what the boxes found.

    Args:
        matches: Boxes of each category; negative scores stand for no confidence and are left out.
        claims: Of each answered box with a confidence the position of its picture, the confidence and the quality.
        counts: How often each picture is drawn in each resample, (resamples, pictures).

    Returns:
        The calibration; ``None`` where no box has a confidence.
    """
    used = [(match, match.counted[0] & (match.scores >= 0)) for match in matches]
    if not any(mask.any() for _, mask in used):
        return None
    images, scores, right = (
        np.concatenate(columns)
        for columns in zip(*((m.images[mask], m.scores[mask], m.right[0, mask]) for m, mask in used), strict=True)
    )
    sums = _by_picture_and_bin(images, scores, right, counts.shape[1])
    n, confidence, precision = sums.sum(axis=1)
    ece, ece_interval = _error(sums, counts)
    la_ece, la_ece_interval = None, None
    if claims:
        places, claimed, qualities = (np.array(column) for column in zip(*claims, strict=True))
        la_ece, la_ece_interval = _error(_by_picture_and_bin(places, claimed, qualities, counts.shape[1]), counts)
    return Calibration(
        n=int(n.sum()),
        confidence=float(confidence.sum() / n.sum()),
        precision=float(precision.sum() / n.sum()),
        ece=ece,
        ece_interval=ece_interval,
        la_ece=la_ece,
        la_ece_interval=la_ece_interval,
        bins=tuple(
            CalibrationBin(
                low=index / _BINS,
                high=(index + 1) / _BINS,
                n=int(n[index]),
                confidence=float(confidence[index] / n[index]) if n[index] else None,
                precision=float(precision[index] / n[index]) if n[index] else None,
            )
            for index in range(_BINS)
        ),
    )


def _by_picture_and_bin(
    images: NDArray[Any], confidences: NDArray[Any], outcomes: NDArray[Any], pictures: int
) -> NDArray[np.float64]:
    """Number of boxes, sum of their confidences and of their outcomes, (3, pictures, bins)."""
    sums = np.zeros((3, pictures, _BINS))
    bins = np.minimum((confidences * _BINS).astype(int), _BINS - 1)
    for total, values in zip(sums, (np.ones(len(confidences)), confidences, outcomes), strict=True):
        np.add.at(total, (images, bins), values)
    return sums


def _error(sums: NDArray[np.float64], counts: NDArray[Any]) -> tuple[float, Interval | None]:
    """Return the mean gap between confidences and outcomes of the bins, and its interval."""
    n, confidence, outcome = sums.sum(axis=1)
    drawn_n, drawn_confidence, drawn_outcome = (counts @ total for total in sums)
    with np.errstate(invalid="ignore"):
        drawn = np.abs(drawn_confidence - drawn_outcome).sum(axis=1) / drawn_n.sum(axis=1)
    interval = beyond_the_draws(percentile_interval(drawn), int((sums[0].sum(axis=1) > 0).sum()))
    return float(np.abs(confidence - outcome).sum() / n.sum()), interval
