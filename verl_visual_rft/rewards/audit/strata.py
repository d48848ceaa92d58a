# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of questions: what pays on all of them in the mean may fail, or be gamed, on some."""

from __future__ import annotations

from statistics import fmean

from verl_visual_rft.boxes import area
from verl_visual_rft.rewards.audit.truth_sets import Question
from verl_visual_rft.tasks.classification import ClassificationTruth
from verl_visual_rft.tasks.detection import DetectionTruth

ALL = "all"
NO_OBJECT, ONE, SEVERAL, ANY = "no object", "one object", "several objects", "with objects"
SMALL, LARGE = "small objects", "large objects"
CLOSED_SET, OPEN_SET = "closed set", "no closed set"

#: Kinds by task, in the order of the tables.
STRATA = {
    "detection": (ALL, NO_OBJECT, ANY, ONE, SEVERAL, SMALL, LARGE),
    "classification": (ALL, CLOSED_SET, OPEN_SET),
    "grounding": (ALL, SMALL, LARGE),
}
#: Share of the picture from which an object is large: COCO's 96 x 96 pixels of 640 x 480.
LARGE_AREA = 0.03


def strata_of(question: Question) -> frozenset[str]:
    """Return the kinds that a question is of; the size of several objects is their mean."""
    truth = question.truth
    if isinstance(truth, ClassificationTruth):
        return frozenset({ALL, CLOSED_SET if truth.labels else OPEN_SET})
    if not isinstance(truth, DetectionTruth):
        return frozenset({ALL, _size(area(truth.box), truth.extent)})
    if not truth.boxes:
        return frozenset({ALL, NO_OBJECT})
    return frozenset(
        {
            ALL,
            ANY,
            ONE if len(truth.boxes) == 1 else SEVERAL,
            _size(fmean(map(area, truth.boxes)), truth.extent),
        }
    )


def _size(mean_area: float, extent: tuple[float, float]) -> str:
    return LARGE if mean_area >= LARGE_AREA * extent[0] * extent[1] else SMALL
