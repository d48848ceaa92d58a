# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Labelled detection: honesty, and cheats that build on an honest answer."""

from __future__ import annotations

import math
from random import Random

from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited.policy import policies, reasoning_cheats, response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import elsewhere, jittered, random_box, scaled
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL
from verl_visual_rft.tasks.labelled_detection.audit.answers import (
    Guess,
    answer,
    honest_guesses,
    labelled_truth,
    written,
)
from verl_visual_rft.tasks.labelled_detection.audit.blind import BLIND
from verl_visual_rft.tasks.labelled_detection.audit.questions import ANY, NO_OBJECT, ONE_LABEL, SEVERAL_LABELS


def honest(question: Question, rng: Random) -> str:
    """Finds 70 % of the objects at a mean IoU of 0.7, names 85 % of them right, with some false alarms."""
    return answer(honest_guesses(question, rng), rng)


# --- Names at will ----------------------------------------------------------------------------------------------------


def every_name_for_each_box(question: Question, rng: Random) -> str:
    """Every honest box under every name of the prompt: one of them is right."""
    names = labelled_truth(question).categories
    return answer([Guess(guess.box, name) for guess in honest_guesses(question, rng) for name in names], rng)


def two_names_for_each_box(question: Question, rng: Random) -> str:
    """Every honest box a second time under another name, in case the first is wrong."""
    guesses = honest_guesses(question, rng)
    others = [Guess(guess.box, _another(guess.label, question, rng)) for guess in guesses]
    return answer([guess for pair in zip(guesses, others, strict=True) for guess in pair], rng)


def one_name_for_all(question: Question, rng: Random) -> str:
    """The honest boxes, all under the name that the first of them has."""
    guesses = honest_guesses(question, rng)
    return answer([Guess(guess.box, guesses[0].label) for guess in guesses], rng)


def names_shuffled(question: Question, rng: Random) -> str:
    """The honest boxes with the names of other ones: right names, right boxes, not each other's."""
    guesses = honest_guesses(question, rng)
    labels = [guess.label for guess in guesses]
    return answer([Guess(g.box, label) for g, label in zip(guesses, labels[1:] + labels[:1], strict=True)], rng)


def all_names_in_one_label(question: Question, rng: Random) -> str:
    """The honest boxes with a label that lists every name of the prompt."""
    label = ", ".join(labelled_truth(question).categories)
    return answer([Guess(guess.box, label) for guess in honest_guesses(question, rng)], rng)


def unlisted_name(question: Question, rng: Random) -> str:
    """The honest boxes, all called "object": a name that cannot be a wrong one."""
    return answer([Guess(guess.box, "object") for guess in honest_guesses(question, rng)], rng)


def no_names(question: Question, rng: Random) -> str:
    """The honest boxes with empty labels."""
    return answer([Guess(guess.box, "") for guess in honest_guesses(question, rng)], rng)


def right_names_elsewhere(question: Question, rng: Random) -> str:
    """The honest names on boxes of the same sizes in other places."""
    extent = question.truth.extent
    return answer([Guess(elsewhere(g.box, rng, extent), g.label) for g in honest_guesses(question, rng)], rng)


# --- Numbers of boxes at will -----------------------------------------------------------------------------------------


def one_box_only(question: Question, rng: Random) -> str:
    """The first honest box alone: nothing doubtful in a mean."""
    return answer(honest_guesses(question, rng)[:1], rng)


def one_box_a_name(question: Question, rng: Random) -> str:
    """Of the honest boxes the first under each name."""
    first: dict[str, Guess] = {}
    for guess in honest_guesses(question, rng):
        first.setdefault(guess.label, guess)
    return answer(first.values(), rng)


def duplicates(question: Question, rng: Random) -> str:
    """Every honest box three times."""
    return answer(honest_guesses(question, rng) * 3, rng)


def thousand_copies(question: Question, rng: Random) -> str:
    """The first honest box a thousand times: outvotes everything else in a mean."""
    return answer(honest_guesses(question, rng)[:1] * 1000, rng)


def jittered_duplicates(question: Question, rng: Random) -> str:
    """Every honest box with two shifted copies under its name: second and third guesses."""
    extent, guesses = question.truth.extent, honest_guesses(question, rng)
    return answer(guesses + [Guess(jittered(g.box, rng, extent, 0.05), g.label) for g in guesses * 2], rng)


def concentric_boxes(question: Question, rng: Random) -> str:
    """Every honest box with a smaller and a larger one around it, under its name."""
    extent, guesses = question.truth.extent, honest_guesses(question, rng)
    return answer([Guess(scaled(g.box, by, extent), g.label) for g in guesses for by in (1, 0.9, 1.1)], rng)


def padding(question: Question, rng: Random) -> str:
    """The honest boxes and five at random under any names."""
    return answer(honest_guesses(question, rng) + _random(5, question, rng), rng)


def padding_to_the_count(question: Question, rng: Random) -> str:
    """Knows how many objects there are: honest boxes, and random ones in place of those it missed."""
    guesses = honest_guesses(question, rng)
    missing = len(labelled_truth(question).objects) - len(guesses)
    return answer(guesses + _random(max(missing, 0), question, rng), rng)


def never_no_objects(question: Question, rng: Random) -> str:
    """The honest boxes, and a random one where honesty says "No Objects"."""
    return answer(honest_guesses(question, rng) or _random(1, question, rng), rng)


def every_other_name_too(question: Question, rng: Random) -> str:
    """The honest boxes, and a random one for every name that has none: no category is left out."""
    guesses, truth = honest_guesses(question, rng), labelled_truth(question)
    there = {guess.label for guess in guesses}
    return answer(
        guesses + [Guess(random_box(rng, truth.extent), name) for name in truth.categories if name not in there], rng
    )


# --- Confidences that nobody asked for --------------------------------------------------------------------------------


def confidence_1(question: Question, rng: Random) -> str:
    """The honest boxes, all at confidence 1."""
    return answer([guess._replace(confidence=1) for guess in honest_guesses(question, rng)], rng)


def confidence_100(question: Question, rng: Random) -> str:
    """The honest boxes at confidence 100: taken literally, one hit outweighs everything."""
    return answer([guess._replace(confidence=100) for guess in honest_guesses(question, rng)], rng)


def nan_confidence(question: Question, rng: Random) -> str:
    """The honest boxes at confidence NaN."""
    return answer([guess._replace(confidence=math.nan) for guess in honest_guesses(question, rng)], rng)


# --- The form ---------------------------------------------------------------------------------------------------------


def boxes_and_no_objects(question: Question, rng: Random) -> str:
    """The honest boxes and "No Objects" in one answer: right either way."""
    return response(f"{written(honest_guesses(question, rng))} {NO_OBJECTS}", rng)


def two_answers(question: Question, rng: Random) -> str:
    """The honest boxes in one answer block and "No Objects" in the next."""
    return answer(honest_guesses(question, rng), rng) + f" <answer>{NO_OBJECTS}</answer>"


def inverted_boxes(question: Question, rng: Random) -> str:
    """The honest boxes with their corners swapped: negative sides, positive area."""
    guesses = honest_guesses(question, rng)
    return answer([Guess((x2, y2, x1, y1), label) for (x1, y1, x2, y2), label, _ in guesses], rng)


def bare_list(question: Question, rng: Random) -> str:
    """The honest boxes without any tags, for the parser to repair."""
    return written(honest_guesses(question, rng))


def fenced_list(question: Question, rng: Random) -> str:
    """The honest list in a code fence, as Qwen-VL models write it unasked, for the parser to repair."""
    return response(f"```json\n{written(honest_guesses(question, rng))}\n```", rng)


def prompt_ellipsis(question: Question, rng: Random) -> str:
    """The honest list ended by the prompt's ``, ...``, for the parser to repair."""
    return response(written(honest_guesses(question, rng)).replace("}]", "}, ...]"), rng)


def _another(label: str, question: Question, rng: Random) -> str:
    return rng.choice([name for name in labelled_truth(question).categories if name != label] or [label])


def _random(count: int, question: Question, rng: Random) -> list[Guess]:
    truth = labelled_truth(question)
    return [Guess(random_box(rng, truth.extent), rng.choice(truth.categories)) for _ in range(count)]


_WITH_OBJECTS = {ANY, ONE_LABEL, SEVERAL_LABELS, SMALL, LARGE}

(HONEST,) = policies(honest)
CHEATS = BLIND + policies(
    every_name_for_each_box,
    two_names_for_each_box,
    one_name_for_all,
    names_shuffled,
    all_names_in_one_label,
    unlisted_name,
    no_names,
    right_names_elsewhere,
    one_box_only,
    one_box_a_name,
    duplicates,
    thousand_copies,
    jittered_duplicates,
    concentric_boxes,
    padding,
    padding_to_the_count,
    never_no_objects,
    every_other_name_too,
    confidence_1,
    confidence_100,
    nan_confidence,
    boxes_and_no_objects,
    two_answers,
    inverted_boxes,
    *reasoning_cheats(bare_list),
    bare_list,
    fenced_list,
    prompt_ellipsis,
    right_in={
        two_answers: {NO_OBJECT},
        # That everything has one name, that something is there, or how much.
        one_name_for_all: {ONE_LABEL},
        never_no_objects: _WITH_OBJECTS,
        padding_to_the_count: _WITH_OBJECTS,
    },
)
