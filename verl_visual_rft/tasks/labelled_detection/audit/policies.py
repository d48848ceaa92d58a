# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Labelled detection: honesty, and cheats that build on an honest answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from random import Random

from verl_visual_rft.tasks.audited.policy import (
    Respond,
    described,
    list_cheats,
    policies,
    reasoning_cheats,
    response,
    tabulated,
)
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
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth

Guesses = list[Guess]


def honest(question: Question, rng: Random) -> str:
    """Finds 70 % of the objects at a mean IoU of 0.7, names 85 % of them right, with some false alarms."""
    return answer(honest_guesses(question, rng), rng)


def _spoilt(change: Callable[[Guesses, LabelledTruth, Random], Iterable[Guess]]) -> Respond:
    """Answer with what is made of the honest guesses."""
    return lambda question, rng: answer(change(honest_guesses(question, rng), labelled_truth(question), rng), rng)


def _named(name: Callable[[Guesses, LabelledTruth], str]) -> Respond:
    """Answer with the honest boxes, all under one name."""
    return _spoilt(lambda guesses, truth, rng: [Guess(guess.box, name(guesses, truth)) for guess in guesses])


def _sure(confidence: float) -> Respond:
    """Answer with the honest guesses, all at one confidence, which nobody asked for."""
    return _spoilt(lambda guesses, truth, rng: [guess._replace(confidence=confidence) for guess in guesses])


def _second_names(guesses: Guesses, truth: LabelledTruth, rng: Random) -> Guesses:
    others = [[name for name in truth.categories if name != guess.label] or [guess.label] for guess in guesses]
    second = [Guess(guess.box, rng.choice(names)) for guess, names in zip(guesses, others, strict=True)]
    return [guess for pair in zip(guesses, second, strict=True) for guess in pair]


def _shuffled_names(guesses: Guesses, truth: LabelledTruth, rng: Random) -> Guesses:
    return [Guess(guess.box, other.label) for guess, other in zip(guesses, guesses[1:] + guesses[:1], strict=True)]


def _one_a_name(guesses: Guesses, truth: LabelledTruth, rng: Random) -> Iterable[Guess]:
    first: dict[str, Guess] = {}
    for guess in guesses:
        first.setdefault(guess.label, guess)
    return first.values()


def _shifted_copies(guesses: Guesses, truth: LabelledTruth, rng: Random) -> Guesses:
    return guesses + [Guess(jittered(g.box, rng, truth.extent, 0.05), g.label) for g in guesses * 2]


def _concentric(guesses: Guesses, truth: LabelledTruth, rng: Random) -> Guesses:
    return [Guess(scaled(g.box, by, truth.extent), g.label) for g in guesses for by in (1, 0.9, 1.1)]


def _every_other_name(guesses: Guesses, truth: LabelledTruth, rng: Random) -> Guesses:
    there = {guess.label for guess in guesses}
    return guesses + [Guess(random_box(rng, truth.extent), name) for name in truth.categories if name not in there]


def _random(count: int, truth: LabelledTruth, rng: Random) -> Guesses:
    return [Guess(random_box(rng, truth.extent), rng.choice(truth.categories)) for _ in range(count)]


def _said(question: Question, rng: Random) -> str:
    return written(honest_guesses(question, rng))


def fenced_list(question: Question, rng: Random) -> str:
    """The honest list in a code fence, as Qwen-VL models write it unasked, for the parser to repair."""
    return response(f"```json\n{_said(question, rng)}\n```", rng)


_WITH_OBJECTS = {ANY, ONE_LABEL, SEVERAL_LABELS, SMALL, LARGE}

(HONEST,) = policies(honest)
_BOTH_WAYS, _TWO_ANSWERS, _BARE, _ELLIPSIS = list_cheats(_said)
CHEATS = BLIND + tabulated(
    {
        "every name for each box": (
            "Every honest box under every name of the prompt: one of them is right.",
            _spoilt(lambda guesses, truth, rng: [Guess(g.box, name) for g in guesses for name in truth.categories]),
        ),
        "two names for each box": (
            "Every honest box a second time under another name, in case the first is wrong.",
            _spoilt(_second_names),
        ),
        "one name for all": (
            "The honest boxes, all under the name that the first of them has.",
            _named(lambda guesses, truth: guesses[0].label),
        ),
        "names shuffled": (
            "The honest boxes with the names of other ones: right names, right boxes, not each other's.",
            _spoilt(_shuffled_names),
        ),
        "all names in one label": (
            "The honest boxes with a label that lists every name of the prompt.",
            _named(lambda guesses, truth: ", ".join(truth.categories)),
        ),
        "unlisted name": (
            'The honest boxes, all called "object": a name that cannot be a wrong one.',
            _named(lambda guesses, truth: "object"),
        ),
        "no names": ("The honest boxes with empty labels.", _named(lambda guesses, truth: "")),
        "right names elsewhere": (
            "The honest names on boxes of the same sizes in other places.",
            _spoilt(lambda guesses, truth, rng: [Guess(elsewhere(g.box, rng, truth.extent), g.label) for g in guesses]),
        ),
        "one box only": (
            "The first honest box alone: nothing doubtful in a mean.",
            _spoilt(lambda guesses, truth, rng: guesses[:1]),
        ),
        "one box a name": ("Of the honest boxes the first under each name.", _spoilt(_one_a_name)),
        "duplicates": ("Every honest box three times.", _spoilt(lambda guesses, truth, rng: guesses * 3)),
        "thousand copies": (
            "The first honest box a thousand times: outvotes everything else in a mean.",
            _spoilt(lambda guesses, truth, rng: guesses[:1] * 1000),
        ),
        "jittered duplicates": (
            "Every honest box with two shifted copies under its name: second and third guesses.",
            _spoilt(_shifted_copies),
        ),
        "concentric boxes": (
            "Every honest box with a smaller and a larger one around it, under its name.",
            _spoilt(_concentric),
        ),
        "padding": (
            "The honest boxes and five at random under any names.",
            _spoilt(lambda guesses, truth, rng: guesses + _random(5, truth, rng)),
        ),
        "padding to the count": (
            "Knows how many objects there are: honest boxes, and random ones in place of those it missed.",
            _spoilt(lambda guesses, truth, rng: guesses + _random(len(truth.objects) - len(guesses), truth, rng)),
        ),
        "never no objects": (
            'The honest boxes, and a random one where honesty says "No Objects".',
            _spoilt(lambda guesses, truth, rng: guesses or _random(1, truth, rng)),
        ),
        "every other name too": (
            "The honest boxes, and a random one for every name that has none: no category is left out.",
            _spoilt(_every_other_name),
        ),
        "confidence 1": ("The honest boxes, all at confidence 1.", _sure(1)),
        "confidence 100": (
            "The honest boxes at confidence 100: taken literally, one hit outweighs everything.",
            _sure(100),
        ),
        "nan confidence": ("The honest boxes at confidence NaN.", _sure(math.nan)),
        **described(_BOTH_WAYS, _TWO_ANSWERS),
        "inverted boxes": (
            "The honest boxes with their corners swapped: negative sides, positive area.",
            _spoilt(lambda guesses, truth, rng: [Guess(g.box[2:] + g.box[:2], g.label) for g in guesses]),
        ),
        **described(*reasoning_cheats(_said), _BARE, fenced_list, _ELLIPSIS),
    },
    right_in={
        "two answers": {NO_OBJECT},
        # That everything has one name, that something is there, or how much.
        "one name for all": {ONE_LABEL},
        "never no objects": _WITH_OBJECTS,
        "padding to the count": _WITH_OBJECTS,
    },
)
