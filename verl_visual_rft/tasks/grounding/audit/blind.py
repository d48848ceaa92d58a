# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Policies that answer grounding questions without looking at the picture."""

from __future__ import annotations

from random import Random

from verl_visual_rft.tasks.audited import fixed_boxes as fixed
from verl_visual_rft.tasks.audited.policy import policies, response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.grounding.audit.answers import answer, random_boxes
from verl_visual_rft.tasks.grounding.audit.questions import NO_TARGET, grounding_truth


def empty_response(question: Question, rng: Random) -> str:
    """Says nothing at all."""
    return ""


def empty_answer(question: Question, rng: Random) -> str:
    """Reasons and leaves the answer empty."""
    return response("", rng)


def no_objects_always(question: Question, rng: Random) -> str:
    """Says that there is nothing to box."""
    return response("No Objects", rng)


def empty_list(question: Question, rng: Random) -> str:
    """Lists nothing: no box that could be wrong."""
    return response("[]", rng)


def whole_image_box(question: Question, rng: Random) -> str:
    """The box over everything: no object can be outside it."""
    return answer(fixed.whole_picture(question), rng)


def centre_box(question: Question, rng: Random) -> str:
    """The box over the middle of the picture, where photographers put things."""
    return answer(fixed.centre(question), rng)


def mean_box_of_the_set(question: Question, rng: Random) -> str:
    """The mean of all boxes of the data set."""
    return answer(fixed.mean_of_the_set(question), rng)


def best_fixed_box(question: Question, rng: Random) -> str:
    """The box of the data set that overlaps the others best."""
    return answer(fixed.best_of_the_set(question), rng)


def likeliest_cluster(question: Question, rng: Random) -> str:
    """The centre of the largest of three k-means clusters of the data set's boxes."""
    return answer(fixed.clusters_of_the_set(question)[:1], rng)


def boxes_of_three_clusters(question: Question, rng: Random) -> str:
    """The centres of all three."""
    return answer(fixed.clusters_of_the_set(question), rng)


def random_box_anywhere(question: Question, rng: Random) -> str:
    """A box of a common size anywhere."""
    return answer(random_boxes(1, question, rng), rng)


def inverted_picture(question: Question, rng: Random) -> str:
    """``(999,999),(1,1)``: the hull that GIoU divides by gets small or negative."""
    return answer([(999, 999, 1, 1)], rng)


def inverted_giant(question: Question, rng: Random) -> str:
    """``(5000,5000),(1,1)``: the same from outside the picture."""
    return answer([(5000, 5000, 1, 1)], rng)


def out_of_range_box(question: Question, rng: Random) -> str:
    """A box far beyond the picture."""
    return answer([(0, 0, 99999, 99999)], rng)


def point_box(question: Question, rng: Random) -> str:
    """A box without area in the middle."""
    x, y = (int(end / 2) for end in grounding_truth(question).extent)
    return answer([(x, y, x, y)], rng)


def thousand_boxes(question: Question, rng: Random) -> str:
    """A thousand boxes anywhere: one of them is near."""
    return answer(random_boxes(1000, question, rng), rng)


def copied_template(question: Question, rng: Random) -> str:
    """Repeats the format of the prompt, word for word."""
    return "<think> ... </think> <answer>(x1,y1),(x2,y2)</answer>"


BLIND = policies(
    empty_response,
    empty_answer,
    no_objects_always,
    empty_list,
    whole_image_box,
    centre_box,
    mean_box_of_the_set,
    best_fixed_box,
    likeliest_cluster,
    boxes_of_three_clusters,
    random_box_anywhere,
    inverted_picture,
    inverted_giant,
    out_of_range_box,
    point_box,
    thousand_boxes,
    copied_template,
    blind=True,
    right_in={no_objects_always: {NO_TARGET}, empty_list: {NO_TARGET}},
)
