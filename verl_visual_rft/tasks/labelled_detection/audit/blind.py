# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Cheats of labelled detection that do not look at the picture."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited import fixed_boxes as fixed
from verl_visual_rft.tasks.audited.policy import Respond, always, described, response, tabulated
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import random_box
from verl_visual_rft.tasks.labelled_detection.audit.answers import Guess, answer, labelled_truth, written
from verl_visual_rft.tasks.labelled_detection.audit.questions import NO_OBJECT


def _under_the_first_name(boxes: fixed.Fixed) -> Respond:
    """Answer with the same boxes, all under the first name of the prompt."""
    return lambda question, rng: response(_written(boxes(question), labelled_truth(question).categories[:1]), rng)


def _under_the_names_in_turn(boxes: fixed.Fixed) -> Respond:
    return lambda question, rng: response(_written(boxes(question), labelled_truth(question).categories), rng)


def _under_every_name(boxes: fixed.Fixed) -> Respond:
    """Answer with one box for each name of the prompt."""

    def repeated(question: Question) -> fixed.Boxes:
        return boxes(question) * len(labelled_truth(question).categories)

    return _under_the_names_in_turn(repeated)


@lru_cache
def _written(boxes: fixed.Boxes, names: tuple[str, ...]) -> str:
    return written(Guess(box, names[place % len(names)]) for place, box in enumerate(boxes))


def random_spam(question: Question, rng: Random) -> str:
    """Fifty boxes anywhere under any names."""
    names, extent = labelled_truth(question).categories, question.truth.extent
    return answer([Guess(random_box(rng, extent), rng.choice(names)) for _ in range(50)], rng)


def names_alone(question: Question, rng: Random) -> str:
    """Lists the names of the prompt without any box."""
    listed = ", ".join(f'{{"label": "{name}"}}' for name in labelled_truth(question).categories)
    return response(f"[{listed}]", rng)


BLIND = tabulated(
    {
        "mean box of the set": (
            "The mean of all boxes of the data set under the first name.",
            _under_the_first_name(fixed.mean_of_the_set),
        ),
        "best fixed box": (
            "The box of the data set that overlaps the others best, under the first name.",
            _under_the_first_name(fixed.best_of_the_set),
        ),
        "best fixed box under every name": (
            "The same for each name of the prompt: whatever is there, one has its name.",
            _under_every_name(fixed.best_of_the_set),
        ),
        "boxes of three clusters": (
            "The centres of three k-means clusters of the data set's boxes, under the first name.",
            _under_the_first_name(fixed.clusters_of_the_set),
        ),
        "empty response": ("Says nothing at all.", always("")),
        "empty answer": ("Reasons and leaves the answer empty.", ""),
        "no objects always": ("Denies every object: earns whatever negatives pay.", NO_OBJECTS),
        "empty list": ("Lists nothing: no box that could be wrong.", "[]"),
        "whole image box": (
            "One box over everything, under the first name of the prompt.",
            _under_the_first_name(fixed.whole_picture),
        ),
        "whole image under every name": (
            "One box over everything for each name of the prompt.",
            _under_every_name(fixed.whole_picture),
        ),
        "centre box": (
            "One box over the middle of the picture, where photographers put things.",
            _under_the_first_name(fixed.centre),
        ),
        "quarters": (
            "The four quarters of the picture, under the first name.",
            _under_the_first_name(fixed.cells(2, 2)),
        ),
        "grid of 1000 boxes": (
            "Every place at once, under the names in turn: no object can be missed.",
            _under_the_names_in_turn(fixed.cells(40, 25)),
        ),
        **described(random_spam),
        "copied template": (
            "Repeats the format of the prompt, word for word.",
            always('<think> ... </think> <answer>[{"bbox_2d": [x1, y1, x2, y2], "label": "category"}, ...]</answer>'),
        ),
        **described(names_alone),
        "out of range box": (
            "A box far beyond the picture on every side.",
            _under_the_first_name(fixed.out_of_range),
        ),
        "nan box": (
            "A box that is not numbers: no comparison with it is true.",
            _under_the_first_name(fixed.not_numbers),
        ),
        "point box": ("A box without area.", _under_the_first_name(fixed.point)),
    },
    blind=True,
    right_in={"no objects always": {NO_OBJECT}, "empty list": {NO_OBJECT}},
)
