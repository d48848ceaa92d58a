# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What every detection reward shares: the ground truth it reads and the counts it reports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from verl_visual_rft.answers import MAX_COORDINATE, DetectionAnswer, Outcome, parse_detection
from verl_visual_rft.boxes import Box
from verl_visual_rft.errors import UserError

_REMEDY = 'give {"boxes": [[x1, y1, x2, y2], ...]} with 0 <= x1 < x2 <= 1000 and 0 <= y1 < y2 <= 1000'
_OUTCOME_KEYS = {outcome: f"outcome_{outcome.value}" for outcome in Outcome}


def read_truth(ground_truth: str | Mapping[str, Any]) -> tuple[Box, ...]:
    """Return the boxes that are in the image; none means that the object is absent.

    Args:
        ground_truth: ``{"boxes": [[x1, y1, x2, y2], ...]}`` as a mapping or JSON, or a published solution string
            (``<answer>[{'Position': [...], 'Confidence': 1}]</answer>``, ``<answer>No Objects</answer>``).

    Raises:
        UserError: It is none of these, or a box is inverted or out of range.

    Example:
        >>> read_truth('{"boxes": [[1, 2, 3, 4]]}')
        ((1.0, 2.0, 3.0, 4.0),)
    """
    return _read_text(ground_truth) if isinstance(ground_truth, str) else _read_mapping(ground_truth)


def describe(answer: DetectionAnswer, truths: Sequence[Box]) -> dict[str, float]:
    """Return the counts of boxes and the outcome flags that every detection reward reports."""
    described = {
        "n_pred": float(len(answer.detections) + answer.invalid),
        "n_truth": float(len(truths)),
        "n_invalid": float(answer.invalid),
    }
    for outcome, key in _OUTCOME_KEYS.items():
        described[key] = 1.0 if outcome is answer.outcome else 0.0
    return described


@lru_cache(maxsize=4096)  # every rollout of a group asks for the same one
def _read_text(ground_truth: str) -> tuple[Box, ...]:
    if "<answer>" in ground_truth:
        answer = parse_detection(ground_truth)
        if answer.outcome not in (Outcome.WELL_FORMED, Outcome.NO_OBJECTS):
            raise UserError(f"ground truth {ground_truth[:200]!r}: {answer.reason}; {_REMEDY}")
        return tuple(detection.box for detection in answer.detections)
    try:
        return _read_mapping(json.loads(ground_truth))
    except (ValueError, RecursionError) as error:
        raise UserError(f"ground truth {ground_truth[:200]!r} is not JSON: {error}; {_REMEDY}") from error


def _read_mapping(ground_truth: object) -> tuple[Box, ...]:
    boxes = ground_truth.get("boxes") if isinstance(ground_truth, Mapping) else None
    if not isinstance(boxes, Sequence) or isinstance(boxes, str):
        raise UserError(f"ground truth {str(ground_truth)[:200]} has no list under the key 'boxes'; {_REMEDY}")
    return tuple(_read_box(box) for box in boxes)


def _read_box(box: object) -> Box:
    if isinstance(box, Sequence) and len(box) == 4 and all(type(value) in (int, float) for value in box):
        x1, y1, x2, y2 = box
        if 0 <= x1 < x2 <= MAX_COORDINATE and 0 <= y1 < y2 <= MAX_COORDINATE:
            return (float(x1), float(y1), float(x2), float(y2))
    raise UserError(f"ground truth box {box!r} is not valid; {_REMEDY}")
