# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""AP of pictures drawn with replacement, from boxes that are matched once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.evaluation.detection.matching import ClassMatches

_RECALLS = np.linspace(0.0, 1.0, 101)
# Entries of the largest array: bounds the memory that many boxes and resamples take.
_BLOCK = 4_000_000


def resampled_ap(matches: ClassMatches, counts: NDArray[Any]) -> NDArray[np.float64]:
    """AP of one category at each IoU threshold, in percent, in each resample.

    Every box and object of a picture that was drawn twice is there twice, which is what evaluating copies of the
    picture gives.

    Args:
        matches: The category's boxes.
        counts: How often each picture was drawn, (resamples, pictures); a row of ones gives the AP itself.

    Returns:
        Array (resamples, IoU thresholds); NaN where a resample has no object of the category.
    """
    objects = counts @ matches.truths
    rows = max(1, _BLOCK // max(1, len(matches.scores)))
    blocks = [
        _block_ap(matches, counts[start : start + rows, matches.images], objects[start : start + rows])
        for start in range(0, len(counts), rows)
    ]
    ap = 100 * np.concatenate(blocks)
    ap[objects == 0] = np.nan
    return ap


def _block_ap(matches: ClassMatches, weights: NDArray[Any], objects: NDArray[Any]) -> NDArray[np.float64]:
    """AP in some resamples; ``weights`` says how often each box is there, (resamples, boxes)."""
    ap = np.zeros((len(weights), len(matches.right)))
    for threshold, (right, counted) in enumerate(zip(matches.right, matches.counted, strict=True)):
        places = np.flatnonzero(right)
        if not places.size:
            continue
        # Precision is highest where an object is found, so these places are all that matter.
        seen = np.cumsum(weights * counted, axis=1)[:, places]
        found = np.cumsum(weights[:, places], axis=1)
        precision = np.divide(found, seen, out=np.zeros(found.shape), where=seen > 0)
        highest_behind = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        # A recall point takes the precision of the first place that reaches it.
        reached = np.searchsorted(_RECALLS, found / np.maximum(objects, 1)[:, None], side="right")
        points = np.diff(reached, prepend=0, axis=1)
        ap[:, threshold] = (points * highest_behind).sum(axis=1) / len(_RECALLS)
    return ap
