# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The audit of labelled detection: kinds of questions, an honest policy, cheats blind and on top of honest answers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box
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
from verl_visual_rft.tasks.audited.random_boxes import distinct, elsewhere, jittered, random_box, scaled
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL, size_of
from verl_visual_rft.tasks.detection.audit import SIGHT
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth

#: Share of questions about categories of which none is there.
P_NEGATIVE = 0.2
MOST_OBJECTS = 12

#: Names that share words, and names inside names.
CATEGORIES = (
    "person",
    "car",
    "sports car",
    "dog",
    "hot dog",
    "bear",
    "teddy bear",
    "cup",
    "wine glass",
    "traffic light",
    "bus",
    "bicycle",
)

NO_OBJECT, ONE_LABEL, SEVERAL_LABELS, ANY = "no object", "one label", "several labels", "with objects"
STRATA = (ALL, NO_OBJECT, ANY, ONE_LABEL, SEVERAL_LABELS, SMALL, LARGE)


def labelled_truth(question: Question) -> LabelledTruth:
    """Return the truth of a question about several categories."""
    assert isinstance(question.truth, LabelledTruth)
    return question.truth


def strata_of(question: Question) -> frozenset[str]:
    """Return the kinds that a question is of; the size of several objects is their mean."""
    truth = labelled_truth(question)
    if not truth.objects:
        return frozenset({ALL, NO_OBJECT})
    number = ONE_LABEL if len({label for _, label in truth.objects}) == 1 else SEVERAL_LABELS
    return frozenset({ALL, ANY, number, size_of(truth.boxes, truth.extent)})


def make_truth(rng: Random) -> dict[str, Any]:
    """Make up objects of two to all categories: none in a fifth of the truths, else up to twelve, of one to four."""
    categories = rng.sample(CATEGORIES, rng.choice([2, 3, 4, 6, len(CATEGORIES)]))
    objects: list[dict[str, Any]] = []
    if rng.random() >= P_NEGATIVE:
        there = rng.sample(categories, min(rng.choice([1, 1, 2, 2, 3, 4]), len(categories)))
        # The first categories are the more frequent ones, as in any picture: one of many, a few of others.
        labels = there + [there[int(len(there) * rng.random() ** 2)] for _ in range(int(rng.expovariate(0.5)))]
        objects = distinct([{"bbox_2d": random_box(rng, EXTENT), "label": label} for label in labels[:MOST_OBJECTS]])
    return {"categories": categories, "objects": objects}


#: Share of what an honest policy finds that it names right, by skill.
NAMED_RIGHT = {"weak": 0.6, "moderate": 0.85, "strong": 0.95}


class Guess(NamedTuple):
    """A box and its label; those of a cheat need not be valid."""

    box: Box
    label: str
    confidence: float | None = None


Guesses = list[Guess]


def honest_guesses(question: Question, rng: Random) -> Guesses:
    """Return what a detector of the question's skill sees, and takes it for."""
    truth, sight = labelled_truth(question), SIGHT[question.skill]
    guesses = []
    for box, label in truth.objects:
        if rng.random() < sight.recall:
            others = [name for name in truth.categories if name != label]
            right = rng.random() < NAMED_RIGHT[question.skill] or not others
            guesses.append(
                Guess(jittered(box, rng, truth.extent, sight.jitter), label if right else rng.choice(others))
            )
    if rng.random() < (sight.p_false_alarm if truth.objects else 1 - sight.p_right_on_negative):
        guesses.append(Guess(random_box(rng, truth.extent), rng.choice(truth.categories)))
    return guesses


def honest(question: Question, rng: Random) -> str:
    """Finds 70 % of the objects at a mean IoU of 0.7, names 85 % of them right, with some false alarms."""
    return answer(honest_guesses(question, rng), rng)


def _said(question: Question, rng: Random) -> str:
    return written(honest_guesses(question, rng))


def answer(guesses: Iterable[Guess], rng: Random) -> str:
    """Write guesses as a whole response, with reasoning."""
    return response(written(guesses), rng)


def written(guesses: Iterable[Guess]) -> str:
    """Write guesses as the prompt asks for them; none as "No Objects"."""
    items = []
    for box, label, confidence in guesses:
        sure = {} if confidence is None else {"confidence": confidence}
        items.append({"bbox_2d": box, "label": label, **sure})
    return json.dumps(items, ensure_ascii=False) if items else NO_OBJECTS


def _random(count: int, truth: LabelledTruth, rng: Random) -> Guesses:
    return [Guess(random_box(rng, truth.extent), rng.choice(truth.categories)) for _ in range(count)]


def _under_the_first_name(boxes: fixed.Fixed) -> Respond:
    """Answer with the same boxes, all under the first name of the prompt."""
    return lambda question, rng: response(_written(boxes(question), labelled_truth(question).categories[:1]), rng)


def _under_the_names_in_turn(boxes: fixed.Fixed) -> Respond:
    return lambda question, rng: response(_written(boxes(question), labelled_truth(question).categories), rng)


def _under_every_name(boxes: fixed.Fixed) -> Respond:
    """Answer with one box for each name of the prompt."""

    def repeated(question: Question) -> fixed.Boxes:
        return boxes(question) * len(labelled_truth(question).categories)

    return _under_the_names_in_turn(repeated)


@lru_cache
def _written(boxes: fixed.Boxes, names: tuple[str, ...]) -> str:
    return written(Guess(box, names[place % len(names)]) for place, box in enumerate(boxes))


def random_spam(question: Question, rng: Random) -> str:
    """Fifty boxes anywhere under any names."""
    return answer(_random(50, labelled_truth(question), rng), rng)


def names_alone(question: Question, rng: Random) -> str:
    """Lists the names of the prompt without any box."""
    listed = ", ".join(f'{{"label": "{name}"}}' for name in labelled_truth(question).categories)
    return response(f"[{listed}]", rng)


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


_WITH_OBJECTS = {ANY, ONE_LABEL, SEVERAL_LABELS, SMALL, LARGE}

_BLIND = tabulated(
    {
        "mean box of the set": (
            "The mean of all boxes of the data set under the first name.",
            _under_the_first_name(fixed.mean_of_the_set),
        ),
        "best fixed box": (
            "The box of the data set that overlaps the others best, under the first name.",
            _under_the_first_name(fixed.best_of_the_set),
        ),
        "best fixed box under every name": (
            "The same for each name of the prompt: whatever is there, one has its name.",
            _under_every_name(fixed.best_of_the_set),
        ),
        "boxes of three clusters": (
            "The centres of three k-means clusters of the data set's boxes, under the first name.",
            _under_the_first_name(fixed.clusters_of_the_set),
        ),
        **SILENT,
        "no objects always": ("Denies every object: earns whatever negatives pay.", NO_OBJECTS),
        "empty list": ("Lists nothing: no box that could be wrong.", "[]"),
        "whole image box": (
            "One box over everything, under the first name of the prompt.",
            _under_the_first_name(fixed.whole_picture),
        ),
        "whole image under every name": (
            "One box over everything for each name of the prompt.",
            _under_every_name(fixed.whole_picture),
        ),
        "centre box": (
            "One box over the middle of the picture, where photographers put things.",
            _under_the_first_name(fixed.centre),
        ),
        "quarters": (
            "The four quarters of the picture, under the first name.",
            _under_the_first_name(fixed.cells(2, 2)),
        ),
        "grid of 1000 boxes": (
            "Every place at once, under the names in turn: no object can be missed.",
            _under_the_names_in_turn(fixed.cells(40, 25)),
        ),
        **described(random_spam),
        **copied_template('[{"bbox_2d": [x1, y1, x2, y2], "label": "category"}, ...]'),
        **described(names_alone),
        "out of range box": (
            "A box far beyond the picture on every side.",
            _under_the_first_name(fixed.out_of_range),
        ),
        "nan box": (
            "A box that is not numbers: no comparison with it is true.",
            _under_the_first_name(fixed.not_numbers),
        ),
        "point box": ("A box without area.", _under_the_first_name(fixed.point)),
    },
    blind=True,
    right_in={"no objects always": {NO_OBJECT}, "empty list": {NO_OBJECT}},
)
_CHEATS = _BLIND + tabulated(
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
            _spoilt(lambda guesses, truth, rng: [Guess(g.box[2:] + g.box[:2], g.label) for g in guesses]),
        ),
        **reasoning_cheats(_said),
        "bare list": ("The honest boxes without any tags, for the parser to repair.", _said),
        "fenced list": (
            "The honest list in a code fence, as Qwen-VL models write it unasked, for the parser to repair.",
            in_tags(_said, "```json\n{}\n```".format),
        ),
        "prompt ellipsis": (
            "The honest list ended by the prompt's ``, ...``, for the parser to repair.",
            in_tags(_said, lambda said: said.replace("}]", "}, ...]")),
        ),
    },
    right_in={
        "two answers": {NO_OBJECT},
        # That everything has one name, that something is there, or how much.
        "one name for all": {ONE_LABEL},
        "never no objects": _WITH_OBJECTS,
        "padding to the count": _WITH_OBJECTS,
    },
)

(_HONEST,) = policies(honest)
AUDIT = AuditedTask(_HONEST, _CHEATS, unasked_reasoning(honest), STRATA, strata_of, make_truth)
