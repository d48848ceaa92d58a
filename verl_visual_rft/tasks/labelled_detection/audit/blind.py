# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Cheats of labelled detection that do not look at the picture."""

from __future__ import annotations

import math
from random import Random

from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited.policy import policies, response
from verl_visual_rft.tasks.audited.priors import Prior
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import random_box, scaled
from verl_visual_rft.tasks.labelled_detection.audit.answers import (
    Guess,
    answer,
    cells,
    labelled_truth,
    prior_box,
    whole_image,
)
from verl_visual_rft.tasks.labelled_detection.audit.questions import NO_OBJECT


def empty_response(question: Question, rng: Random) -> str:
    """Says nothing at all."""
    return ""


def empty_answer(question: Question, rng: Random) -> str:
    """Reasons and leaves the answer empty."""
    return response("", rng)


def no_objects_always(question: Question, rng: Random) -> str:
    """Denies every object: earns whatever negatives pay."""
    return response(NO_OBJECTS, rng)


def empty_list(question: Question, rng: Random) -> str:
    """Lists nothing: no box that could be wrong."""
    return response("[]", rng)


def whole_image_box(question: Question, rng: Random) -> str:
    """One box over everything, under the first name of the prompt."""
    return answer([Guess(whole_image(question), _first(question))], rng)


def whole_image_under_every_name(question: Question, rng: Random) -> str:
    """One box over everything for each name of the prompt."""
    return answer([Guess(whole_image(question), name) for name in labelled_truth(question).categories], rng)


def centre_box(question: Question, rng: Random) -> str:
    """One box over the middle of the picture, where photographers put things."""
    x, y = question.truth.extent
    return answer([Guess(scaled((0, 0, x, y), 0.6, (x, y)), _first(question))], rng)


def quarters(question: Question, rng: Random) -> str:
    """The four quarters of the picture, under the first name."""
    return answer([Guess(box, _first(question)) for box in cells(question.truth.extent, 2, 2)], rng)


def grid_of_1000_boxes(question: Question, rng: Random) -> str:
    """Every place at once, under the names in turn: no object can be missed."""
    names = labelled_truth(question).categories
    return answer(
        [Guess(box, names[i % len(names)]) for i, box in enumerate(cells(question.truth.extent, 40, 25))], rng
    )


def random_spam(question: Question, rng: Random) -> str:
    """Fifty boxes anywhere under any names."""
    names, extent = labelled_truth(question).categories, question.truth.extent
    return answer([Guess(random_box(rng, extent), rng.choice(names)) for _ in range(50)], rng)


def copied_template(question: Question, rng: Random) -> str:
    """Repeats the format of the prompt, word for word."""
    return '<think> ... </think> <answer>[{"bbox_2d": [x1, y1, x2, y2], "label": "category"}, ...]</answer>'


def names_alone(question: Question, rng: Random) -> str:
    """Lists the names of the prompt without any box."""
    listed = ", ".join(f'{{"label": "{name}"}}' for name in labelled_truth(question).categories)
    return response(f"[{listed}]", rng)


def out_of_range_box(question: Question, rng: Random) -> str:
    """A box far beyond the picture on every side."""
    return answer([Guess((-(10**9), -(10**9), 10**9, 10**9), _first(question))], rng)


def nan_box(question: Question, rng: Random) -> str:
    """A box that is not numbers: no comparison with it is true."""
    return answer([Guess((math.nan,) * 4, _first(question))], rng)


def point_box(question: Question, rng: Random) -> str:
    """A box without area."""
    x, y = (int(end / 2) for end in question.truth.extent)
    return answer([Guess((x, y, x, y), _first(question))], rng)


def mean_box_of_the_set(question: Question, rng: Random) -> str:
    """The mean of all boxes of the data set under the first name."""
    return answer([Guess(prior_box(_prior(question).mean_box, question), _first(question))], rng)


def best_fixed_box(question: Question, rng: Random) -> str:
    """The box of the data set that overlaps the others best, under the first name."""
    return answer([Guess(prior_box(_prior(question).best_box, question), _first(question))], rng)


def best_fixed_box_under_every_name(question: Question, rng: Random) -> str:
    """The same for each name of the prompt: whatever is there, one has its name."""
    box = prior_box(_prior(question).best_box, question)
    return answer([Guess(box, name) for name in labelled_truth(question).categories], rng)


def boxes_of_three_clusters(question: Question, rng: Random) -> str:
    """The centres of three k-means clusters of the data set's boxes, under the first name."""
    return answer([Guess(prior_box(box, question), _first(question)) for box, _ in _prior(question).clusters], rng)


def _first(question: Question) -> str:
    return labelled_truth(question).categories[0]


def _prior(question: Question) -> Prior:
    assert question.prior is not None
    return question.prior


BLIND = policies(
    mean_box_of_the_set,
    best_fixed_box,
    best_fixed_box_under_every_name,
    boxes_of_three_clusters,
    empty_response,
    empty_answer,
    no_objects_always,
    empty_list,
    whole_image_box,
    whole_image_under_every_name,
    centre_box,
    quarters,
    grid_of_1000_boxes,
    random_spam,
    copied_template,
    names_alone,
    out_of_range_box,
    nan_box,
    point_box,
    blind=True,
    right_in={function: {NO_OBJECT} for function in (no_objects_always, empty_list)},
)
