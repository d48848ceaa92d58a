# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Policies that answer grounding questions."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.audited import ALL, AuditedTask
from verl_visual_rft.tasks.audited.policy import policies, reasoning_cheats, response, unasked_reasoning
from verl_visual_rft.tasks.audited.priors import Prior
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import (
    JITTER,
    STRONG_JITTER,
    WEAK_JITTER,
    elsewhere,
    jittered,
    random_box,
    scaled,
    whole,
)
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL, size_of
from verl_visual_rft.tasks.grounding import GroundingTruth

#: By skill: how often it finds the object, and the spread of the edges where it does.
SIGHT = {"weak": (0.3, WEAK_JITTER), "moderate": (0.6, JITTER), "strong": (0.9, STRONG_JITTER)}


def honest(question: Question, rng: Random) -> str:
    """Finds the object 60 % of the time, at a mean IoU of 0.7; else boxes something of its size elsewhere."""
    return _answer(_honest_box(question, rng), rng)


def _honest_box(question: Question, rng: Random) -> Box:
    truth = _truth(question)
    p_near, jitter = SIGHT[question.skill]
    if rng.random() < p_near:
        return jittered(truth.box, rng, truth.extent, jitter)
    return elsewhere(truth.box, rng, truth.extent)


# --- Cheats that do not look at the picture --------------------------------------------------------------------------


def empty_response(question: Question, rng: Random) -> str:
    """Says nothing at all."""
    return ""


def empty_answer(question: Question, rng: Random) -> str:
    """Reasons and leaves the answer empty."""
    return response("", rng)


def no_objects_always(question: Question, rng: Random) -> str:
    """Says that there is nothing to box."""
    return response("No Objects", rng)


def whole_image_box(question: Question, rng: Random) -> str:
    """The box over everything: no object can be outside it."""
    return _answer(_whole_image(question), rng)


def centre_box(question: Question, rng: Random) -> str:
    """The box over the middle of the picture, where photographers put things."""
    return _answer(scaled(_whole_image(question), 0.6, _truth(question).extent), rng)


def mean_box_of_the_set(question: Question, rng: Random) -> str:
    """The mean of all boxes of the data set."""
    return _answer(_prior_box(question, _prior(question).mean_box), rng)


def best_fixed_box(question: Question, rng: Random) -> str:
    """The box of the data set that overlaps the others best."""
    return _answer(_prior_box(question, _prior(question).best_box), rng)


def likeliest_cluster(question: Question, rng: Random) -> str:
    """The centre of the largest of three k-means clusters of the data set's boxes."""
    return _answer(_prior_box(question, _prior(question).clusters[0][0]), rng)


def random_box_anywhere(question: Question, rng: Random) -> str:
    """A box of a common size anywhere."""
    return _answer(random_box(rng, _truth(question).extent), rng)


def inverted_picture(question: Question, rng: Random) -> str:
    """``(999,999),(1,1)``: the hull that GIoU divides by gets small or negative."""
    return _answer((999, 999, 1, 1), rng)


def inverted_giant(question: Question, rng: Random) -> str:
    """``(5000,5000),(1,1)``: the same from outside the picture."""
    return _answer((5000, 5000, 1, 1), rng)


def out_of_range_box(question: Question, rng: Random) -> str:
    """A box far beyond the picture."""
    return _answer((0, 0, 99999, 99999), rng)


def point_box(question: Question, rng: Random) -> str:
    """A box without area in the middle."""
    x, y = (int(end / 2) for end in _truth(question).extent)
    return _answer((x, y, x, y), rng)


def thousand_boxes(question: Question, rng: Random) -> str:
    """A thousand boxes anywhere: one of them is near."""
    return _answers([random_box(rng, _truth(question).extent) for _ in range(1000)], rng)


def copied_template(question: Question, rng: Random) -> str:
    """Repeats the format of the prompt, word for word."""
    return "<think> ... </think> <answer>(x1,y1),(x2,y2)</answer>"


# --- Cheats on top of an honest answer -------------------------------------------------------------------------------


def swapped_corners(question: Question, rng: Random) -> str:
    """The honest box with its corners swapped: negative sides, positive area."""
    x1, y1, x2, y2 = _honest_box(question, rng)
    return _answer((x2, y2, x1, y1), rng)


def one_axis_inverted(question: Question, rng: Random) -> str:
    """The honest box with left and right swapped: a negative area."""
    x1, y1, x2, y2 = _honest_box(question, rng)
    return _answer((x2, y1, x1, y2), rng)


def two_boxes(question: Question, rng: Random) -> str:
    """The honest box and a second guess."""
    return _answers([_honest_box(question, rng), random_box(rng, _truth(question).extent)], rng)


def box_and_inverted_picture(question: Question, rng: Random) -> str:
    """The honest box, then ``(999,999),(1,1)``: the published code reads corners across boxes."""
    return _answers([_honest_box(question, rng), (999, 999, 1, 1)], rng)


def same_box_twice(question: Question, rng: Random) -> str:
    """The honest box two times."""
    return _answers([_honest_box(question, rng)] * 2, rng)


def larger_box(question: Question, rng: Random) -> str:
    """The honest box at twice its width and height: a hedge."""
    return _answer(scaled(_honest_box(question, rng), 2, _truth(question).extent), rng)


def smaller_box(question: Question, rng: Random) -> str:
    """The core of the honest box, at half its width and height."""
    return _answer(scaled(_honest_box(question, rng), 0.5, _truth(question).extent), rng)


def box_in_the_middle(question: Question, rng: Random) -> str:
    """The honest box if it lies in the middle half of the picture, else the box over everything."""
    box, (x, y) = _honest_box(question, rng), _truth(question).extent
    central = abs(box[0] + box[2] - x) < x / 2 and abs(box[1] + box[3] - y) < y / 2
    return _answer(box if central else _whole_image(question), rng)


def box_and_two_answers(question: Question, rng: Random) -> str:
    """The honest box in one answer block, the whole picture in the next."""
    return f"{_answer(_honest_box(question, rng), rng)} <answer>{_written(_whole_image(question))}</answer>"


def no_tags(question: Question, rng: Random) -> str:
    """The honest box alone, without any tags, for the parser to repair."""
    return _written(_honest_box(question, rng))


def box_in_a_sentence(question: Question, rng: Random) -> str:
    """The honest box with words around it, for the parser to repair."""
    return response(f"The object is at {_written(_honest_box(question, rng))}, I believe.", rng)


(HONEST,) = policies(honest)
_BLIND = policies(
    empty_response,
    empty_answer,
    no_objects_always,
    whole_image_box,
    centre_box,
    mean_box_of_the_set,
    best_fixed_box,
    likeliest_cluster,
    random_box_anywhere,
    inverted_picture,
    inverted_giant,
    out_of_range_box,
    point_box,
    thousand_boxes,
    copied_template,
    blind=True,
)
CHEATS = _BLIND + policies(
    swapped_corners,
    one_axis_inverted,
    two_boxes,
    box_and_inverted_picture,
    same_box_twice,
    larger_box,
    smaller_box,
    box_in_the_middle,
    box_and_two_answers,
    *reasoning_cheats(no_tags),
    no_tags,
    box_in_a_sentence,
)


def _prior(question: Question) -> Prior:
    assert question.prior is not None
    return question.prior


def _prior_box(question: Question, box: Box) -> Box:
    x, y = _truth(question).extent
    x1, y1, x2, y2 = box
    return whole((x1 * x, y1 * y, x2 * x, y2 * y), (x, y))


def _truth(question: Question) -> GroundingTruth:
    assert isinstance(question.truth, GroundingTruth)
    return question.truth


def _answer(box: Box, rng: Random) -> str:
    return response(_written(box), rng)


def _answers(boxes: Sequence[Box], rng: Random) -> str:
    return response(", ".join(map(_written, boxes)), rng)


def _written(box: Box) -> str:
    x1, y1, x2, y2 = box
    return f"({x1},{y1}),({x2},{y2})"


def _whole_image(question: Question) -> Box:
    x, y = _truth(question).extent
    return whole((0, 0, x, y), (x, y))


def _strata_of(question: Question) -> frozenset[str]:
    truth = _truth(question)
    return frozenset({ALL, size_of([truth.box], truth.extent)})


def _make_truth(rng: Random) -> dict[str, Any]:
    return {"box": random_box(rng, EXTENT)}


AUDIT = AuditedTask(HONEST, CHEATS, unasked_reasoning(honest), (ALL, SMALL, LARGE), _strata_of, _make_truth)
