# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Detection: honesty, and cheats that build on an honest answer."""

from __future__ import annotations

import math
from random import Random

from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited.policy import policies, reasoning_cheats, response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import jittered, scaled
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL
from verl_visual_rft.tasks.detection.audit.answers import (
    Guess,
    answer,
    claimed,
    detection_truth,
    honest_guesses,
    prior_box,
    random_guesses,
    written,
)
from verl_visual_rft.tasks.detection.audit.blind import BLIND
from verl_visual_rft.tasks.detection.audit.questions import ANY, NO_OBJECT, ONE, SEVERAL


def honest(question: Question, rng: Random) -> str:
    """Finds 70 % of the objects at a mean IoU of 0.7, fairly calibrated, with some false alarms."""
    return answer(honest_guesses(question, rng), rng)


def confidence_0(question: Question, rng: Random) -> str:
    """The honest boxes, all at confidence 0."""
    return answer(claimed(honest_guesses(question, rng), 0), rng)


def confidence_1(question: Question, rng: Random) -> str:
    """The honest boxes, all at confidence 1."""
    return answer(claimed(honest_guesses(question, rng), 1), rng)


def constant_confidence(question: Question, rng: Random) -> str:
    """The honest boxes, all at confidence 0.7, the mean IoU."""
    return answer(claimed(honest_guesses(question, rng), 0.7), rng)


def confidence_100(question: Question, rng: Random) -> str:
    """The honest boxes at confidence 100: taken literally, one hit outweighs everything."""
    return answer(claimed(honest_guesses(question, rng), 100), rng)


def nan_confidence(question: Question, rng: Random) -> str:
    """The honest boxes at confidence NaN."""
    return answer(claimed(honest_guesses(question, rng), math.nan), rng)


def infinite_confidence(question: Question, rng: Random) -> str:
    """The honest boxes at infinite confidence."""
    return answer(claimed(honest_guesses(question, rng), math.inf), rng)


def one_box_only(question: Question, rng: Random) -> str:
    """The honest answer's most confident box alone: nothing doubtful in the mean."""
    guesses = honest_guesses(question, rng)
    return answer(sorted(guesses, key=lambda guess: guess.confidence, reverse=True)[:1], rng)


def duplicates(question: Question, rng: Random) -> str:
    """Every honest box three times."""
    return answer(honest_guesses(question, rng) * 3, rng)


def thousand_copies(question: Question, rng: Random) -> str:
    """The first honest box a thousand times: outvotes everything else in a mean."""
    return answer(honest_guesses(question, rng)[:1] * 1000, rng)


def jittered_duplicates(question: Question, rng: Random) -> str:
    """Every honest box with two shifted copies at confidence 0: second and third guesses, and announced misses."""
    extent = detection_truth(question).extent
    guesses = honest_guesses(question, rng)
    copies = [Guess(jittered(guess.box, rng, extent), 0) for guess in guesses * 2]
    return answer(guesses + copies, rng)


def concentric_boxes(question: Question, rng: Random) -> str:
    """Every honest box with a smaller and a larger one of the same confidence around it."""
    extent = detection_truth(question).extent
    guesses = honest_guesses(question, rng)
    return answer(
        [Guess(scaled(guess.box, factor, extent), guess.confidence) for guess in guesses for factor in (1, 0.8, 1.25)],
        rng,
    )


def padding(question: Question, rng: Random) -> str:
    """The honest boxes and five at random at confidence 0, each a miss that was announced."""
    return answer(honest_guesses(question, rng) + random_guesses(5, question, rng), rng)


def padding_to_the_count(question: Question, rng: Random) -> str:
    """Knows how many objects there are: honest boxes, and random ones at confidence 0 in place of those it missed."""
    guesses = honest_guesses(question, rng)
    missing = len(detection_truth(question).boxes) - len(guesses)
    return answer(guesses + random_guesses(max(missing, 0), question, rng), rng)


def copies_to_the_count(question: Question, rng: Random) -> str:
    """The same with shifted copies of the honest boxes, where objects stand close together."""
    guesses, truth = honest_guesses(question, rng), detection_truth(question)
    missing = len(truth.boxes) - len(guesses) if guesses else 0
    copies = [Guess(jittered(guesses[i % len(guesses)].box, rng, truth.extent), 0) for i in range(missing)]
    return answer(guesses + copies, rng)


def most_frequent_count(question: Question, rng: Random) -> str:
    """The surest honest boxes, cut or padded with the set's best fixed box to the most frequent number of objects."""
    guesses = sorted(honest_guesses(question, rng), key=lambda guess: -guess.confidence)
    if question.prior is None:
        return answer(guesses, rng)
    padding = [prior_box(question.prior.best_box, question, 0.1)] * max(0, question.prior.count - len(guesses))
    return answer(guesses[: question.prior.count] + padding, rng)


def hedged_pairs(question: Question, rng: Random) -> str:
    """Every honest box with a larger one around it, each at half of what the pair can find."""
    extent = detection_truth(question).extent
    guesses = honest_guesses(question, rng)
    pairs = [(guess, Guess(scaled(guess.box, 1.3, extent), guess.confidence)) for guess in guesses]
    return answer([Guess(guess.box, round(guess.confidence / 2, 3)) for pair in pairs for guess in pair], rng)


def unlikely_second_guesses(question: Question, rng: Random) -> str:
    """Every honest box with a shifted copy at a confidence of 0.1: the little that a second guess is worth."""
    extent = detection_truth(question).extent
    guesses = honest_guesses(question, rng)
    return answer(guesses + [Guess(jittered(guess.box, rng, extent), 0.1) for guess in guesses], rng)


def never_no_objects(question: Question, rng: Random) -> str:
    """The honest boxes, and a random one at confidence 0 where honesty says "No Objects"."""
    return answer(honest_guesses(question, rng) or random_guesses(1, question, rng), rng)


def boxes_and_no_objects(question: Question, rng: Random) -> str:
    """The honest boxes and "No Objects" in one answer: right either way."""
    return response(f"{written(honest_guesses(question, rng))} {NO_OBJECTS}", rng)


def two_answers(question: Question, rng: Random) -> str:
    """The honest boxes in one answer block and "No Objects" in the next."""
    return answer(honest_guesses(question, rng), rng) + f" <answer>{NO_OBJECTS}</answer>"


def inverted_boxes(question: Question, rng: Random) -> str:
    """The honest boxes with their corners swapped: negative sides, positive area."""
    guesses = honest_guesses(question, rng)
    return answer([Guess((x2, y2, x1, y1), sure) for (x1, y1, x2, y2), sure in guesses], rng)


def bare_list(question: Question, rng: Random) -> str:
    """The honest boxes without any tags, for the parser to repair."""
    return written(honest_guesses(question, rng))


def prompt_ellipsis(question: Question, rng: Random) -> str:
    """The honest list ended by the prompt's ``, ...``, for the parser to repair."""
    return response(written(honest_guesses(question, rng)).replace("}]", "}, ...]"), rng)


(HONEST,) = policies(honest)
CHEATS = BLIND + policies(
    confidence_0,
    confidence_1,
    constant_confidence,
    confidence_100,
    nan_confidence,
    infinite_confidence,
    one_box_only,
    duplicates,
    thousand_copies,
    jittered_duplicates,
    concentric_boxes,
    padding,
    padding_to_the_count,
    copies_to_the_count,
    most_frequent_count,
    hedged_pairs,
    unlikely_second_guesses,
    never_no_objects,
    boxes_and_no_objects,
    two_answers,
    inverted_boxes,
    *reasoning_cheats(bare_list),
    bare_list,
    prompt_ellipsis,
    right_in={
        confidence_0: {NO_OBJECT},
        two_answers: {NO_OBJECT},
        one_box_only: {ONE},
        # That something is there, or how much.
        most_frequent_count: {ANY, ONE, SEVERAL, SMALL, LARGE},
        padding_to_the_count: {ANY, ONE, SEVERAL, SMALL, LARGE},
        copies_to_the_count: {ANY, ONE, SEVERAL, SMALL, LARGE},
        never_no_objects: {ANY, ONE, SEVERAL, SMALL, LARGE},
    },
)
