# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Whether confidences mean what they say: of boxes with confidence 0.8, are 80 % right?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.evaluation.bootstrap import Interval, percentile_interval
from verl_visual_rft.evaluation.detection.matching import ClassMatches

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
    """Confidence against precision at IoU 0.5, both in [0, 1].

    Attributes:
        n: Boxes with a confidence that are right or wrong (not on crowds).
        confidence: Their mean confidence.
        precision: Share of them that found an object.
        ece: Expected calibration error ``sum_b n_b / n |confidence_b - precision_b|`` over ten equal bins (Guo et al.,
            2017, arXiv 1706.04599); 0 is best.
        ece_interval: Its interval over pictures.
        bins: The reliability diagram.
    """

    n: int
    confidence: float
    precision: float
    ece: float
    ece_interval: Interval | None
    bins: tuple[CalibrationBin, ...]


def calibrate(matches: Iterable[ClassMatches], counts: NDArray[Any]) -> Calibration | None:
    """Compare confidences with what the boxes found.

    Args:
        matches: Boxes of each category; negative scores stand for no confidence and are left out.
        counts: How often each picture is drawn in each resample, (resamples, pictures).

    Returns:
        The calibration; ``None`` where no box has a confidence.
    """
    # Boxes, sum of confidences and of right boxes, by picture and bin.
    sums = np.zeros((3, counts.shape[1], _BINS))
    for match in matches:
        used = match.counted[0] & (match.scores >= 0)
        scores, images = match.scores[used], match.images[used]
        bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
        for total, values in zip(sums, (np.ones(len(scores)), scores, match.right[0, used]), strict=True):
            np.add.at(total, (images, bins), values)
    n, confidence, right = sums.sum(axis=1)
    if not n.sum():
        return None
    drawn_n, drawn_confidence, drawn_right = (counts @ total for total in sums)
    with np.errstate(invalid="ignore"):
        drawn_ece = np.abs(drawn_confidence - drawn_right).sum(axis=1) / drawn_n.sum(axis=1)
    return Calibration(
        n=int(n.sum()),
        confidence=float(confidence.sum() / n.sum()),
        precision=float(right.sum() / n.sum()),
        ece=float(np.abs(confidence - right).sum() / n.sum()),
        ece_interval=percentile_interval(drawn_ece),
        bins=tuple(
            CalibrationBin(
                low=index / _BINS,
                high=(index + 1) / _BINS,
                n=int(n[index]),
                confidence=float(confidence[index] / n[index]) if n[index] else None,
                precision=float(right[index] / n[index]) if n[index] else None,
            )
            for index in range(_BINS)
        ),
    )
