# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The audit of detection: kinds of questions, an honest policy, cheats blind and on top of honest answers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box, iou
from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited import ALL, AuditedTask, Question
from verl_visual_rft.tasks.audited import fixed_boxes as fixed
from verl_visual_rft.tasks.audited.policy import (
    SILENT,
    Respond,
    copied_template,
    described,
    in_tags,
    policies,
    reasoning_cheats,
    response,
    rewritten,
    tabulated,
    unasked_reasoning,
)
from verl_visual_rft.tasks.audited.random_boxes import (
    JITTER,
    STRONG_JITTER,
    WEAK_JITTER,
    distinct,
    jittered,
    random_box,
    scaled,
)
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL, size_of
from verl_visual_rft.tasks.detection.mixtures import COLUMNS, MIXTURES, NO_OBJECT, ONE, SEVERAL
from verl_visual_rft.tasks.detection.truth import DetectionTruth

#: Share of questions about an object that is not there.
P_NEGATIVE = 0.25
MOST_OBJECTS = 8

ANY = "with objects"
STRATA = (ALL, NO_OBJECT, ANY, ONE, SEVERAL, SMALL, LARGE)


def detection_truth(question: Question) -> DetectionTruth:
    """Return the truth of a detection question."""
    assert isinstance(question.truth, DetectionTruth)
    return question.truth


def strata_of(question: Question) -> frozenset[str]:
    """Return the kinds that a question is of; the size of several objects is their mean."""
    truth = detection_truth(question)
    if not truth.boxes:
        return frozenset({ALL, NO_OBJECT})
    number = ONE if len(truth.boxes) == 1 else SEVERAL
    return frozenset({ALL, ANY, number, size_of(truth.boxes, truth.extent)})


def make_truth(rng: Random) -> dict[str, Any]:
    """Make up boxes: none in a quarter of the truths, else one to eight, more than one in half of these."""
    if rng.random() < P_NEGATIVE:
        return {"boxes": []}
    count = min(1 + int(rng.expovariate(0.7)), MOST_OBJECTS)
    return {"boxes": distinct([random_box(rng, EXTENT) for _ in range(count)])}


CONFIDENCE_NOISE = 0.12


class Sight(NamedTuple):
    """How well a detector sees.

    Attributes:
        recall: Share of the objects that it finds.
        jitter: Spread of their edges in box sides.
        p_false_alarm: Probability of one box more where objects are.
        p_right_on_negative: Probability of saying so where nothing is.
    """

    recall: float
    jitter: float
    p_false_alarm: float
    p_right_on_negative: float


#: By skill; the mean IoU of what is found is about 0.5, 0.7 and 0.85.
SIGHT = {
    "weak": Sight(0.4, WEAK_JITTER, 0.4, 0.6),
    "moderate": Sight(0.7, JITTER, 0.2, 0.85),
    "strong": Sight(0.9, STRONG_JITTER, 0.05, 0.97),
}


class Guess(NamedTuple):
    """A box and its confidence; those of a cheat need not be valid."""

    box: Box
    confidence: float


Guesses = list[Guess]


def honest_guesses(question: Question, rng: Random) -> Guesses:
    """Return what a detector of the question's skill sees."""
    truth, sight = detection_truth(question), SIGHT[question.skill]
    guesses = [_sighted(box, truth, sight, rng) for box in truth.boxes if rng.random() < sight.recall]
    if rng.random() < (sight.p_false_alarm if truth.boxes else 1 - sight.p_right_on_negative):
        guesses.append(Guess(random_box(rng, truth.extent), round(rng.uniform(0.05, 0.5), 2)))
    return guesses


def _sighted(box: Box, truth: DetectionTruth, sight: Sight, rng: Random) -> Guess:
    seen = jittered(box, rng, truth.extent, sight.jitter)
    confidence = min(max(rng.gauss(iou(seen, box), CONFIDENCE_NOISE), 0.05), 0.99)
    return Guess(seen, round(confidence, 2))


def honest(question: Question, rng: Random) -> str:
    """Finds 70 % of the objects at a mean IoU of 0.7, fairly calibrated, with some false alarms."""
    return answer(honest_guesses(question, rng), rng)


def _said(question: Question, rng: Random) -> str:
    return written(honest_guesses(question, rng))


def answer(guesses: Iterable[Guess], rng: Random) -> str:
    """Write guesses as a whole response, with reasoning."""
    return response(written(guesses), rng)


def written(guesses: Iterable[Guess]) -> str:
    """Write guesses as the prompt asks for them; none as "No Objects"."""
    items = [{"Position": box, "Confidence": confidence} for box, confidence in guesses]
    return json.dumps(items).replace('"', "'") if items else NO_OBJECTS


def claimed(boxes: Iterable[Box], confidence: float) -> Guesses:
    """Return boxes as guesses, all with one confidence."""
    return [Guess(box, confidence) for box in boxes]


def random_guesses(count: int, question: Question, rng: Random, confidence: float = 0) -> Guesses:
    """Return boxes anywhere, all at one confidence."""
    return claimed((random_box(rng, question.truth.extent) for _ in range(count)), confidence)


def _giving(boxes: fixed.Fixed, confidence: float) -> Respond:
    """Answer with the same boxes, all at one confidence."""
    return lambda question, rng: response(_written(boxes(question), confidence), rng)


@lru_cache
def _written(boxes: fixed.Boxes, confidence: float) -> str:
    return written(claimed(boxes, confidence))


def _anywhere(count: int, confidence: float = 0) -> Respond:
    """Answer with boxes drawn anew for each question, all at one confidence."""
    return lambda question, rng: answer(random_guesses(count, question, rng, confidence), rng)


def boxes_of_three_clusters(question: Question, rng: Random) -> str:
    """The centres of three k-means clusters of the data set's boxes, each as sure as it is near to its boxes."""
    return answer(_clusters(question), rng)


def likeliest_cluster(question: Question, rng: Random) -> str:
    """The centre of the largest cluster alone."""
    return answer(_clusters(question)[:1], rng)


def _clusters(question: Question) -> Guesses:
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


def _spoilt(change: Callable[[Guesses, Question, Random], Iterable[Guess]]) -> Respond:
    """Answer with what is made of the honest guesses."""
    return lambda question, rng: answer(change(honest_guesses(question, rng), question, rng), rng)


def _sure(confidence: float) -> Respond:
    """Answer with the honest boxes, all at one confidence."""
    return _spoilt(lambda guesses, question, rng: claimed((guess.box for guess in guesses), confidence))


def _rescaled(guesses: Guesses, factor: float, question: Question) -> Guesses:
    return [Guess(scaled(guess.box, factor, question.truth.extent), guess.confidence) for guess in guesses]


def _shifted(guesses: Guesses, confidence: float, question: Question, rng: Random) -> Guesses:
    return [Guess(jittered(guess.box, rng, question.truth.extent), confidence) for guess in guesses]


def _missing(guesses: Guesses, question: Question) -> int:
    return max(0, len(detection_truth(question).boxes) - len(guesses))


def _concentric(guesses: Guesses, question: Question, rng: Random) -> Guesses:
    return [ring for guess in guesses for factor in (1, 0.8, 1.25) for ring in _rescaled([guess], factor, question)]


def _copies_to_the_count(guesses: Guesses, question: Question, rng: Random) -> Guesses:
    copied = [guesses[i % len(guesses)] for i in range(_missing(guesses, question))] if guesses else []
    return guesses + _shifted(copied, 0, question, rng)


def _most_frequent_count(guesses: Guesses, question: Question, rng: Random) -> Guesses:
    guesses = sorted(guesses, key=lambda guess: -guess.confidence)
    if question.prior is None:
        return guesses
    padding = [Guess(fixed.in_picture(question.prior.best_box, question), 0.1)]
    return (guesses + padding * question.prior.count)[: question.prior.count]


def _hedged_pairs(guesses: Guesses, question: Question, rng: Random) -> Guesses:
    pairs = zip(guesses, _rescaled(guesses, 1.3, question), strict=True)
    return [Guess(guess.box, round(guess.confidence / 2, 3)) for pair in pairs for guess in pair]


_WITH_OBJECTS = {ANY, ONE, SEVERAL, SMALL, LARGE}

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
_CHEATS = BLIND + tabulated(
    {
        "confidence 0": ("The honest boxes, all at confidence 0.", _sure(0)),
        "confidence 1": ("The honest boxes, all at confidence 1.", _sure(1)),
        "constant confidence": ("The honest boxes, all at confidence 0.7, the mean IoU.", _sure(0.7)),
        "confidence 100": (
            "The honest boxes at confidence 100: taken literally, one hit outweighs everything.",
            _sure(100),
        ),
        "nan confidence": ("The honest boxes at confidence NaN.", _sure(math.nan)),
        "infinite confidence": ("The honest boxes at infinite confidence.", _sure(math.inf)),
        "one box only": (
            "The honest answer's most confident box alone: nothing doubtful in the mean.",
            _spoilt(lambda guesses, question, rng: sorted(guesses, key=lambda guess: -guess.confidence)[:1]),
        ),
        "duplicates": ("Every honest box three times.", _spoilt(lambda guesses, question, rng: guesses * 3)),
        "thousand copies": (
            "The first honest box a thousand times: outvotes everything else in a mean.",
            _spoilt(lambda guesses, question, rng: guesses[:1] * 1000),
        ),
        "jittered duplicates": (
            "Every honest box with two shifted copies at confidence 0: second and third guesses, and announced misses.",
            _spoilt(lambda guesses, question, rng: guesses + _shifted(guesses * 2, 0, question, rng)),
        ),
        "concentric boxes": (
            "Every honest box with a smaller and a larger one of the same confidence around it.",
            _spoilt(_concentric),
        ),
        "padding": (
            "The honest boxes and five at random at confidence 0, each a miss that was announced.",
            _spoilt(lambda guesses, question, rng: guesses + random_guesses(5, question, rng)),
        ),
        "padding to the count": (
            "Knows how many objects there are: honest boxes, and random ones at confidence 0 in place of those it "
            "missed.",
            _spoilt(
                lambda guesses, question, rng: guesses + random_guesses(_missing(guesses, question), question, rng)
            ),
        ),
        "copies to the count": (
            "The same with shifted copies of the honest boxes, where objects stand close together.",
            _spoilt(_copies_to_the_count),
        ),
        "most frequent count": (
            "The surest honest boxes, cut or padded with the set's best fixed box to the most frequent number of "
            "objects.",
            _spoilt(_most_frequent_count),
        ),
        "hedged pairs": (
            "Every honest box with a larger one around it, each at half of what the pair can find.",
            _spoilt(_hedged_pairs),
        ),
        "unlikely second guesses": (
            "Every honest box with a shifted copy at a confidence of 0.1: the little that a second guess is worth.",
            _spoilt(lambda guesses, question, rng: guesses + _shifted(guesses, 0.1, question, rng)),
        ),
        "never no objects": (
            'The honest boxes, and a random one at confidence 0 where honesty says "No Objects".',
            _spoilt(lambda guesses, question, rng: guesses or random_guesses(1, question, rng)),
        ),
        "boxes and no objects": (
            'The honest boxes and "No Objects" in one answer: right either way.',
            in_tags(_said, "{} No Objects".format),
        ),
        "two answers": (
            'The honest boxes in one answer block and "No Objects" in the next.',
            rewritten(honest, "{} <answer>No Objects</answer>".format),
        ),
        "inverted boxes": (
            "The honest boxes with their corners swapped: negative sides, positive area.",
            _spoilt(lambda guesses, question, rng: [Guess(box[2:] + box[:2], sure) for box, sure in guesses]),
        ),
        **reasoning_cheats(_said),
        "bare list": ("The honest boxes without any tags, for the parser to repair.", _said),
        "prompt ellipsis": (
            "The honest list ended by the prompt's ``, ...``, for the parser to repair.",
            in_tags(_said, lambda said: said.replace("}]", "}, ...]")),
        ),
    },
    right_in={
        "confidence 0": {NO_OBJECT},
        "two answers": {NO_OBJECT},
        "one box only": {ONE},
        # That something is there, or how much.
        "most frequent count": _WITH_OBJECTS,
        "padding to the count": _WITH_OBJECTS,
        "copies to the count": _WITH_OBJECTS,
        "never no objects": _WITH_OBJECTS,
    },
)

(_HONEST,) = policies(honest)
AUDIT = AuditedTask(_HONEST, _CHEATS, unasked_reasoning(honest), STRATA, strata_of, make_truth, MIXTURES, COLUMNS)
