# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes that a policy gives without looking: the same for every question of a set, in the answer's coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.audited.priors import Prior
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import scaled, whole

Boxes = tuple[Box, ...]
#: Gives the boxes of a question.
Fixed = Callable[[Question], Boxes]

_FAR = 10**9


def whole_picture(question: Question) -> Boxes:
    """Return the box over everything."""
    x, y = question.truth.extent
    return (whole((0, 0, x, y), (x, y)),)


def centre(question: Question) -> Boxes:
    """Return the box over the middle of the picture, where photographers put things."""
    x, y = question.truth.extent
    return (scaled((0, 0, x, y), 0.6, (x, y)),)


def cells(columns: int, rows: int) -> Fixed:
    """Return what gives the cells that divide a picture evenly."""

    def fixed(question: Question) -> Boxes:
        extent = question.truth.extent
        width, height = extent[0] / columns, extent[1] / rows
        corners = [(column * width, row * height) for row in range(rows) for column in range(columns)]
        return tuple(whole((x, y, x + width, y + height), extent) for x, y in corners)

    return fixed


def out_of_range(question: Question) -> Boxes:
    """Return a box far beyond the picture on every side."""
    return ((-_FAR, -_FAR, _FAR, _FAR),)


def not_numbers(question: Question) -> Boxes:
    """Return a box of NaN."""
    return ((math.nan,) * 4,)


def point(question: Question) -> Boxes:
    """Return a box without area in the middle."""
    x, y = (int(end / 2) for end in question.truth.extent)
    return ((x, y, x, y),)


def mean_of_the_set(question: Question) -> Boxes:
    """Return the mean of all boxes of the data set."""
    return (in_picture(prior_of(question).mean_box, question),)


def best_of_the_set(question: Question) -> Boxes:
    """Return the box of the data set that overlaps the others best."""
    return (in_picture(prior_of(question).best_box, question),)


def clusters_of_the_set(question: Question) -> Boxes:
    """Return the centres of the clusters of the data set's boxes, largest first."""
    return tuple(in_picture(box, question) for box, _ in prior_of(question).clusters)


def in_picture(box: Box, question: Question) -> Box:
    """Return a box of the set's statistics, which is in shares of the picture, in the question's coordinates."""
    x, y = question.truth.extent
    x1, y1, x2, y2 = box
    return whole((x1 * x, y1 * y, x2 * x, y2 * y), (x, y))


def prior_of(question: Question) -> Prior:
    """Return the statistics of a set that has boxes."""
    assert question.prior is not None
    return question.prior
