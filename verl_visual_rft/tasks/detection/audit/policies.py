# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Detection: honesty, and cheats that build on an honest answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from random import Random

from verl_visual_rft.tasks.audited.fixed_boxes import in_picture
from verl_visual_rft.tasks.audited.policy import Respond, in_tags, policies, reasoning_cheats, rewritten, tabulated
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import jittered, scaled
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL
from verl_visual_rft.tasks.detection.audit.answers import (
    Guess,
    answer,
    claimed,
    detection_truth,
    honest_guesses,
    random_guesses,
    written,
)
from verl_visual_rft.tasks.detection.audit.blind import BLIND
from verl_visual_rft.tasks.detection.audit.questions import ANY, NO_OBJECT, ONE, SEVERAL

Guesses = list[Guess]


def honest(question: Question, rng: Random) -> str:
    """Finds 70 % of the objects at a mean IoU of 0.7, fairly calibrated, with some false alarms."""
    return answer(honest_guesses(question, rng), rng)


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
    padding = [Guess(in_picture(question.prior.best_box, question), 0.1)]
    return (guesses + padding * question.prior.count)[: question.prior.count]


def _hedged_pairs(guesses: Guesses, question: Question, rng: Random) -> Guesses:
    pairs = zip(guesses, _rescaled(guesses, 1.3, question), strict=True)
    return [Guess(guess.box, round(guess.confidence / 2, 3)) for pair in pairs for guess in pair]


def _said(question: Question, rng: Random) -> str:
    return written(honest_guesses(question, rng))


_WITH_OBJECTS = {ANY, ONE, SEVERAL, SMALL, LARGE}

(HONEST,) = policies(honest)
CHEATS = BLIND + tabulated(
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
