# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Policies that answer pointing questions without looking at the picture."""

from __future__ import annotations

from random import Random

from verl_visual_rft.tasks.audited.fixed_boxes import prior_of
from verl_visual_rft.tasks.audited.policy import policies, response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.pointing.audit.answers import (
    answer,
    at,
    centre,
    pointing_truth,
    random_point,
    random_points,
)
from verl_visual_rft.tasks.pointing.audit.questions import NO_TARGET


def empty_response(question: Question, rng: Random) -> str:
    """Says nothing at all."""
    return ""


def empty_answer(question: Question, rng: Random) -> str:
    """Reasons and leaves the answer empty."""
    return response("", rng)


def no_objects_always(question: Question, rng: Random) -> str:
    """Says that nothing is meant: earns whatever negatives pay."""
    return response("No Objects", rng)


def empty_list(question: Question, rng: Random) -> str:
    """Lists nothing: no point that could be wrong."""
    return response("[]", rng)


def centre_point(question: Question, rng: Random) -> str:
    """The middle of the picture, where photographers put things."""
    return answer([at(0.5, 0.5, question)], rng)


def mean_point_of_the_set(question: Question, rng: Random) -> str:
    """The mean of all targets of the data set."""
    return answer([centre(prior_of(question).mean_box, question)], rng)


def best_fixed_point(question: Question, rng: Random) -> str:
    """The middle of the target of the data set that overlaps the others best."""
    return answer([centre(prior_of(question).best_box, question)], rng)


def points_of_three_clusters(question: Question, rng: Random) -> str:
    """The centres of three k-means clusters of the data set's targets."""
    return answer([centre(box, question) for box, _ in prior_of(question).clusters], rng)


def likeliest_cluster(question: Question, rng: Random) -> str:
    """The centre of the largest cluster alone."""
    return answer([centre(prior_of(question).clusters[0][0], question)], rng)


def random_point_anywhere(question: Question, rng: Random) -> str:
    """A point anywhere."""
    return answer([random_point(question, rng)], rng)


def grid_of_100_points(question: Question, rng: Random) -> str:
    """Every place at once: hardly a target is missed."""
    shares = [(place + 0.5) / 10 for place in range(10)]
    return answer([at(x, y, question) for y in shares for x in shares], rng)


def thousand_points(question: Question, rng: Random) -> str:
    """A thousand points anywhere: one of them hits."""
    return answer(random_points(1000, question, rng), rng)


def out_of_range_point(question: Question, rng: Random) -> str:
    """A point far beyond the picture."""
    return answer([(99999, 99999)], rng)


def nan_point(question: Question, rng: Random) -> str:
    """A point that is no number: no comparison with it is true."""
    return answer([(float("nan"), float("nan"))], rng)


def whole_image_box(question: Question, rng: Random) -> str:
    """A box over everything instead of a point."""
    x, y = map(int, pointing_truth(question).extent)
    return response(f'[{{"bbox_2d": [0, 0, {x}, {y}]}}]', rng)


def copied_template(question: Question, rng: Random) -> str:
    """Repeats the format of the prompt, word for word."""
    return '<think> ... </think> <answer>[{"point_2d": [x, y]}, ...]</answer>'


BLIND = policies(
    empty_response,
    empty_answer,
    no_objects_always,
    empty_list,
    centre_point,
    mean_point_of_the_set,
    best_fixed_point,
    likeliest_cluster,
    points_of_three_clusters,
    random_point_anywhere,
    grid_of_100_points,
    thousand_points,
    out_of_range_point,
    nan_point,
    whole_image_box,
    copied_template,
    blind=True,
    right_in={no_objects_always: {NO_TARGET}, empty_list: {NO_TARGET}},
)
