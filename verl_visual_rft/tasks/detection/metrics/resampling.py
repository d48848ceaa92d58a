# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""AP of pictures drawn with replacement, from boxes that are matched once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.tasks.detection.metrics.matching import ClassMatches

_RECALLS = np.linspace(0.0, 1.0, 101)
# Entries of the largest array: bounds the memory that many boxes and resamples take.
_BLOCK = 4_000_000


def resampled_ap(matches: ClassMatches, counts: NDArray[Any]) -> NDArray[np.float64]:
    """AP of one category at each IoU threshold, in percent, in each resample.

    Every box and object of a picture that was drawn twice is there twice, which is what evaluating copies of the
    picture gives: equally sure boxes come picture by picture, and copy by copy.

    Args:
        matches: The category's boxes.
        counts: How often each picture was drawn, (resamples, pictures); a row of ones gives the AP itself.

    Returns:
        Array (resamples, IoU thresholds); NaN where a resample has no object of the category.
    """
    objects = counts @ matches.truths
    order, copy = _written_out(matches, counts)
    images, right, counted = matches.images[order], matches.right[:, order], matches.counted[:, order]
    rows = max(1, _BLOCK // max(1, len(order)))
    blocks = []
    for start in range(0, len(counts), rows):
        drawn = counts[start : start + rows, images]
        weights = np.where(copy < 0, drawn, drawn > copy)
        blocks.append(_block_ap(right, counted, weights, objects[start : start + rows]))
    ap = 100 * np.concatenate(blocks)
    ap[objects == 0] = np.nan
    return ap


def _written_out(matches: ClassMatches, counts: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return boxes in the order in which they count, and which copy of its picture each is of; -1 stands for all.

    The copies of a box stand side by side, unless its picture has others that are equally sure and fare differently:
    then those of one copy stand before those of the next.
    """
    n = len(matches.scores)
    if not n:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.int64)
    tied = (np.diff(matches.scores) == 0) & (np.diff(matches.images) == 0)
    fare = np.concatenate([matches.right, matches.counted])
    order, copy = list[int](), list[int]()
    for run in np.split(np.arange(n), np.flatnonzero(~tied) + 1):
        alike = (fare[:, run] == fare[:, run[:1]]).all()
        copies = [-1] if alike else range(int(counts[:, matches.images[run[0]]].max()))
        order += [box for _ in copies for box in run]
        copy += [number for number in copies for _ in run]
    return np.array(order, dtype=np.intp), np.array(copy, dtype=np.int64)


def _block_ap(
    right_at: NDArray[np.bool_], counted_at: NDArray[np.bool_], weights: NDArray[Any], objects: NDArray[Any]
) -> NDArray[np.float64]:
    """AP in some resamples; ``weights`` says how often each box is there, (resamples, boxes)."""
    ap = np.zeros((len(weights), len(right_at)))
    for threshold, (right, counted) in enumerate(zip(right_at, counted_at, strict=True)):
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
