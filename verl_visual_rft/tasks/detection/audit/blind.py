# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Cheats of detection that do not look at the picture, and two that know one number of the truth."""

from __future__ import annotations

import math
from functools import lru_cache
from random import Random

from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited import fixed_boxes as fixed
from verl_visual_rft.tasks.audited.policy import SILENT, Respond, copied_template, described, response, tabulated
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.detection.audit.answers import (
    Guess,
    answer,
    claimed,
    detection_truth,
    random_guesses,
    written,
)
from verl_visual_rft.tasks.detection.audit.questions import NO_OBJECT


def _giving(boxes: fixed.Fixed, confidence: float) -> Respond:
    """Answer with the same boxes, all at one confidence."""
    return lambda question, rng: response(_written(boxes(question), confidence), rng)


@lru_cache
def _written(boxes: fixed.Boxes, confidence: float) -> str:
    return written(claimed(boxes, confidence))


def _anywhere(count: int, confidence: float = 0) -> Respond:
    """Answer with boxes drawn anew for each question, all at one confidence."""
    return lambda question, rng: answer(
        [Guess(guess.box, confidence) for guess in random_guesses(count, question, rng)], rng
    )


def boxes_of_three_clusters(question: Question, rng: Random) -> str:
    """The centres of three k-means clusters of the data set's boxes, each as sure as it is near to its boxes."""
    return answer(_clusters(question), rng)


def likeliest_cluster(question: Question, rng: Random) -> str:
    """The centre of the largest cluster alone."""
    return answer(_clusters(question)[:1], rng)


def _clusters(question: Question) -> list[Guess]:
    clusters = fixed.prior_of(question).clusters
    return [Guess(fixed.in_picture(box, question), round(quality / len(clusters), 2)) for box, quality in clusters]


def box_at_the_top_edge(question: Question, rng: Random) -> str:
    """A sliver at y1 = 0, which is the y1 of every object that touches the top edge."""
    width = int(question.truth.extent[0])
    return answer([Guess((0, 0, width // 50, 1), 1)], rng)


def y1_copied(question: Question, rng: Random) -> str:
    """Knows y1 of the first object and nothing else: the published symbolic check compares no more."""
    truth = detection_truth(question)
    if not truth.boxes:
        return response(NO_OBJECTS, rng)
    y1 = int(truth.boxes[0][1])
    return answer([Guess((0, y1, 1, y1 + 1), 1)], rng)


def y1_in_words(question: Question, rng: Random) -> str:
    """Says the first object's y1 in a sentence, without any box."""
    truth = detection_truth(question)
    return f"The answer is {int(truth.boxes[0][1]) if truth.boxes else 0}"


BLIND = tabulated(
    {
        "mean box of the set": (
            "The mean of all boxes of the data set, wherever it is asked for, at its mean IoU.",
            _giving(fixed.mean_of_the_set, 0.2),
        ),
        "best fixed box": (
            "The box of the data set that overlaps the others best.",
            _giving(fixed.best_of_the_set, 0.3),
        ),
        **described(boxes_of_three_clusters, likeliest_cluster),
        **SILENT,
        "no objects always": ("Denies every object: earns whatever negatives pay.", NO_OBJECTS),
        "empty list": ("Lists nothing: no box that could be wrong.", "[]"),
        "whole image box": ("One box over everything, sure of it.", _giving(fixed.whole_picture, 1)),
        "unsure whole image box": (
            "One box over everything at confidence 0: right about being wrong.",
            _giving(fixed.whole_picture, 0),
        ),
        "centre box": (
            "One box over the middle of the picture, where photographers put things.",
            _giving(fixed.centre, 0.3),
        ),
        "quarters": ("The four quarters of the picture, half sure.", _giving(fixed.cells(2, 2), 0.5)),
        "grid of 1000 boxes": (
            "Every place at once at confidence 0.5: no object can be missed.",
            _giving(fixed.cells(40, 25), 0.5),
        ),
        "random box at confidence 0": ("One box anywhere at confidence 0: a miss that was announced.", _anywhere(1)),
        "zero confidence spam": ("Fifty boxes anywhere at confidence 0.", _anywhere(50)),
        "missed with confidence below 0": (
            "One box anywhere at confidence -5: taken literally, 1 - c is 6.",
            _anywhere(1, -5),
        ),
        **copied_template("[{'Position': [x1, y1, x2, y2], 'Confidence': number}, ...]"),
        "out of range box": ("A box far beyond the picture on every side.", _giving(fixed.out_of_range, 1)),
        "nan box": (
            "A box and a confidence that are not numbers: no comparison with it is true.",
            _giving(fixed.not_numbers, math.nan),
        ),
        "point box": ("A box without area, sure of it.", _giving(fixed.point, 1)),
        **described(box_at_the_top_edge, y1_copied, y1_in_words),
    },
    blind=True,
    right_in={"no objects always": {NO_OBJECT}, "empty list": {NO_OBJECT}, "y1 copied": {NO_OBJECT}},
)
