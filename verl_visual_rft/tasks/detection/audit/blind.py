# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Cheats of detection that do not look at the picture, and two that know one number of the truth."""

from __future__ import annotations

import math
from random import Random

from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited.policy import policies, response
from verl_visual_rft.tasks.audited.priors import Prior
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import random_box, scaled
from verl_visual_rft.tasks.detection.audit.answers import (
    Guess,
    answer,
    detection_truth,
    prior_box,
    random_guesses,
    whole_image,
    written_grid,
)
from verl_visual_rft.tasks.detection.audit.questions import NO_OBJECT


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
    """One box over everything, sure of it."""
    return answer([whole_image(question, 1)], rng)


def unsure_whole_image_box(question: Question, rng: Random) -> str:
    """One box over everything at confidence 0: right about being wrong."""
    return answer([whole_image(question, 0)], rng)


def centre_box(question: Question, rng: Random) -> str:
    """One box over the middle of the picture, where photographers put things."""
    x, y = detection_truth(question).extent
    return answer([Guess(scaled((0, 0, x, y), 0.6, (x, y)), 0.3)], rng)


def quarters(question: Question, rng: Random) -> str:
    """The four quarters of the picture, half sure."""
    return response(written_grid(detection_truth(question).extent, 2, 2, 0.5), rng)


def grid_of_1000_boxes(question: Question, rng: Random) -> str:
    """Every place at once at confidence 0.5: no object can be missed."""
    return response(written_grid(detection_truth(question).extent, 40, 25, 0.5), rng)


def random_box_at_confidence_0(question: Question, rng: Random) -> str:
    """One box anywhere at confidence 0: a miss that was announced."""
    return answer([Guess(random_box(rng, detection_truth(question).extent), 0)], rng)


def zero_confidence_spam(question: Question, rng: Random) -> str:
    """Fifty boxes anywhere at confidence 0."""
    return answer(random_guesses(50, question, rng), rng)


def missed_with_confidence_below_0(question: Question, rng: Random) -> str:
    """One box anywhere at confidence -5: taken literally, 1 - c is 6."""
    return answer([Guess(random_box(rng, detection_truth(question).extent), -5)], rng)


def copied_template(question: Question, rng: Random) -> str:
    """Repeats the format of the prompt, word for word."""
    return "<think> ... </think> <answer>[{'Position': [x1, y1, x2, y2], 'Confidence': number}, ...]</answer>"


def out_of_range_box(question: Question, rng: Random) -> str:
    """A box far beyond the picture on every side."""
    return answer([Guess((-(10**9), -(10**9), 10**9, 10**9), 1)], rng)


def nan_box(question: Question, rng: Random) -> str:
    """A box and a confidence that are not numbers: no comparison with it is true."""
    return answer([Guess((math.nan,) * 4, math.nan)], rng)


def point_box(question: Question, rng: Random) -> str:
    """A box without area, sure of it."""
    x, y = (int(end / 2) for end in detection_truth(question).extent)
    return answer([Guess((x, y, x, y), 1)], rng)


def box_at_the_top_edge(question: Question, rng: Random) -> str:
    """A sliver at y1 = 0, which is the y1 of every object that touches the top edge."""
    width = int(detection_truth(question).extent[0])
    return answer([Guess((0, 0, width // 50, 1), 1)], rng)


def mean_box_of_the_set(question: Question, rng: Random) -> str:
    """The mean of all boxes of the data set, wherever it is asked for, at its mean IoU."""
    return answer([prior_box(_prior(question).mean_box, question, 0.2)], rng)


def best_fixed_box(question: Question, rng: Random) -> str:
    """The box of the data set that overlaps the others best."""
    return answer([prior_box(_prior(question).best_box, question, 0.3)], rng)


def boxes_of_three_clusters(question: Question, rng: Random) -> str:
    """The centres of three k-means clusters of the data set's boxes, each as sure as it is near to its boxes."""
    clusters = _prior(question).clusters
    return answer([prior_box(box, question, quality / len(clusters)) for box, quality in clusters], rng)


def likeliest_cluster(question: Question, rng: Random) -> str:
    """The centre of the largest cluster alone."""
    (box, quality), *others = _prior(question).clusters
    return answer([prior_box(box, question, quality / (1 + len(others)))], rng)


def _prior(question: Question) -> Prior:
    assert question.prior is not None
    return question.prior


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


BLIND = policies(
    mean_box_of_the_set,
    best_fixed_box,
    boxes_of_three_clusters,
    likeliest_cluster,
    empty_response,
    empty_answer,
    no_objects_always,
    empty_list,
    whole_image_box,
    unsure_whole_image_box,
    centre_box,
    quarters,
    grid_of_1000_boxes,
    random_box_at_confidence_0,
    zero_confidence_spam,
    missed_with_confidence_below_0,
    copied_template,
    out_of_range_box,
    nan_box,
    point_box,
    box_at_the_top_edge,
    y1_copied,
    y1_in_words,
    blind=True,
    right_in={function: {NO_OBJECT} for function in (no_objects_always, empty_list, y1_copied)},
)
