# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The audit of grounding: kinds of questions, an honest policy, cheats without a look and on top of honest answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box
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
    elsewhere,
    jittered,
    random_box,
    scaled,
)
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL, size_of
from verl_visual_rft.tasks.grounding.prompt import written
from verl_visual_rft.tasks.grounding.truth import GroundingTruth

#: Share of questions that ask for one box, as the published ones do; of the others, share that mean nothing.
P_ONE_ASKED, P_NEGATIVE = 0.5, 0.25
MOST_BOXES = 6

ONE_ASKED = "one box asked for"
#: Where any number is asked for.
NO_TARGET, ONE, SEVERAL = "no target", "one target", "several targets"
STRATA = (ALL, ONE_ASKED, NO_TARGET, ONE, SEVERAL, SMALL, LARGE)


def _truth(question: Question) -> GroundingTruth:
    assert isinstance(question.truth, GroundingTruth)
    return question.truth


def strata_of(question: Question) -> frozenset[str]:
    """Return the kinds that a question is of; the size of several boxes is their mean."""
    truth = _truth(question)
    if not truth.boxes:
        return frozenset({ALL, NO_TARGET})
    number = (ONE if truth.box else SEVERAL) if truth.any_number else ONE_ASKED
    return frozenset({ALL, number, size_of(truth.boxes, truth.extent)})


def make_truth(rng: Random) -> dict[str, Any]:
    """Make up one box, or, where any number is asked for, none in a quarter, else one to six, half of them several."""
    if rng.random() < P_ONE_ASKED:
        return {"box": random_box(rng, EXTENT)}
    if rng.random() < P_NEGATIVE:
        return {"boxes": []}
    count = min(1 + int(rng.expovariate(0.7)), MOST_BOXES)
    return {"boxes": distinct([random_box(rng, EXTENT) for _ in range(count)])}


class Sight(NamedTuple):
    """How well a policy sees.

    Attributes:
        p_found: Share of the objects that it finds.
        jitter: Spread of the edges of its boxes on these.
        p_elsewhere: Where any number is asked for, probability of a box elsewhere for an object that it does not find;
            else there is none.
        p_right_on_negative: Probability of saying so where nothing is meant.
    """

    p_found: float
    jitter: float
    p_elsewhere: float
    p_right_on_negative: float


SIGHT = {
    "weak": Sight(0.3, WEAK_JITTER, 0.6, 0.6),
    "moderate": Sight(0.6, JITTER, 0.5, 0.85),
    "strong": Sight(0.9, STRONG_JITTER, 0.4, 0.97),
}


def honest_boxes(question: Question, rng: Random) -> list[Box]:
    """Return what a policy of the question's skill boxes: where one box is asked for, always one."""
    truth, sight = _truth(question), SIGHT[question.skill]
    boxes = []
    for box in truth.boxes:
        if rng.random() < sight.p_found:
            boxes.append(jittered(box, rng, truth.extent, sight.jitter))
        elif not truth.any_number or rng.random() < sight.p_elsewhere:
            boxes.append(elsewhere(box, rng, truth.extent))
    if not truth.boxes and rng.random() >= sight.p_right_on_negative:
        boxes.append(random_box(rng, truth.extent))
    return boxes


def honest(question: Question, rng: Random) -> str:
    """Finds 60 % of the objects at a mean IoU of 0.7; boxes elsewhere for others, for half where none may be meant."""
    return response(_said(question, rng), rng)


def _said(question: Question, rng: Random) -> str:
    return written(honest_boxes(question, rng))


def _giving(boxes: fixed.Fixed) -> Respond:
    """Answer with the same boxes."""
    return lambda question, rng: response(written(boxes(question)), rng)


def _anywhere(count: int) -> Respond:
    return lambda question, rng: response(written(_random(count, question, rng)), rng)


def _random(count: int, question: Question, rng: Random) -> list[Box]:
    """Return boxes of common sizes anywhere."""
    return [random_box(rng, question.truth.extent) for _ in range(count)]


def _spoilt(change: Callable[[list[Box], Question, Random], Sequence[Box]]) -> Respond:
    """Answer with what is made of the honest boxes."""
    return lambda question, rng: response(written(change(honest_boxes(question, rng), question, rng)), rng)


def _each(change: Callable[[Box, Question], Box]) -> Respond:
    """Answer with what is made of every honest box."""
    return _spoilt(lambda boxes, question, rng: [change(box, question) for box in boxes])


def _shifted(box: Box, question: Question, rng: Random) -> Box:
    return jittered(box, rng, question.truth.extent)


def _left_out(boxes: Sequence[Box], question: Question) -> int:
    return max(0, len(_truth(question).boxes) - len(boxes)) if boxes else 0


def _hedged(box: Box, question: Question) -> Box:
    x, y = question.truth.extent
    central = abs(box[0] + box[2] - x) < x / 2 and abs(box[1] + box[3] - y) < y / 2
    return box if central else fixed.whole_picture(question)[0]


def _copies_to_the_count(boxes: list[Box], question: Question, rng: Random) -> list[Box]:
    return boxes + [_shifted(rng.choice(boxes), question, rng) for _ in range(_left_out(boxes, question))]


def _most_frequent_count(boxes: list[Box], question: Question, rng: Random) -> list[Box]:
    count = fixed.prior_of(question).count
    return boxes[:count] + _random(max(0, count - len(boxes)), question, rng)


def _hull(boxes: list[Box], question: Question, rng: Random) -> list[Box]:
    if not boxes:
        return []
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return [(min(x1), min(y1), max(x2), max(y2))]


def boxes_and_two_answers(question: Question, rng: Random) -> str:
    """The honest boxes in one answer block, the whole picture in the next."""
    return f"{honest(question, rng)} <answer>{written(fixed.whole_picture(question))}</answer>"


_KNOWN = {ONE_ASKED, ONE, SEVERAL, SMALL, LARGE}

_BLIND = tabulated(
    {
        **SILENT,
        "no objects always": ("Says that there is nothing to box.", "No Objects"),
        "empty list": ("Lists nothing: no box that could be wrong.", "[]"),
        "whole image box": ("The box over everything: no object can be outside it.", _giving(fixed.whole_picture)),
        "centre box": (
            "The box over the middle of the picture, where photographers put things.",
            _giving(fixed.centre),
        ),
        "mean box of the set": ("The mean of all boxes of the data set.", _giving(fixed.mean_of_the_set)),
        "best fixed box": (
            "The box of the data set that overlaps the others best.",
            _giving(fixed.best_of_the_set),
        ),
        "likeliest cluster": (
            "The centre of the largest of three k-means clusters of the data set's boxes.",
            _giving(lambda question: fixed.clusters_of_the_set(question)[:1]),
        ),
        "boxes of three clusters": ("The centres of all three.", _giving(fixed.clusters_of_the_set)),
        "random box anywhere": ("A box of a common size anywhere.", _anywhere(1)),
        "inverted picture": (
            "``(999,999),(1,1)``: the hull that GIoU divides by gets small or negative.",
            "(999,999),(1,1)",
        ),
        "inverted giant": ("``(5000,5000),(1,1)``: the same from outside the picture.", "(5000,5000),(1,1)"),
        "out of range box": ("A box far beyond the picture.", "(0,0),(99999,99999)"),
        "point box": ("A box without area in the middle.", _giving(fixed.point)),
        "thousand boxes": ("A thousand boxes anywhere: one of them is near.", _anywhere(1000)),
        **copied_template("(x1,y1),(x2,y2)"),
    },
    blind=True,
    right_in={"no objects always": {NO_TARGET}, "empty list": {NO_TARGET}},
)
_CHEATS = _BLIND + tabulated(
    {
        "swapped corners": (
            "Every honest box with its corners swapped: negative sides, positive area.",
            _each(lambda box, question: (*box[2:], *box[:2])),
        ),
        "one axis inverted": (
            "Every honest box with left and right swapped: a negative area.",
            _each(lambda box, question: (box[2], box[1], box[0], box[3])),
        ),
        "larger boxes": (
            "Every honest box at twice its width and height: a hedge.",
            _each(lambda box, question: scaled(box, 2, question.truth.extent)),
        ),
        "smaller boxes": (
            "The core of every honest box, at half its width and height.",
            _each(lambda box, question: scaled(box, 0.5, question.truth.extent)),
        ),
        "boxes in the middle": (
            "Every honest box that lies in the middle half of the picture, for others the box over everything.",
            _each(_hedged),
        ),
        "second guess": (
            "The honest boxes and one at random.",
            _spoilt(lambda boxes, question, rng: boxes + _random(1, question, rng)),
        ),
        "duplicates": ("Every honest box two times.", _spoilt(lambda boxes, question, rng: boxes * 2)),
        "jittered duplicates": (
            "Every honest box with two shifted copies: second and third guesses.",
            _spoilt(lambda boxes, question, rng: boxes + [_shifted(box, question, rng) for box in boxes * 2]),
        ),
        "padding": (
            "The honest boxes and five at random.",
            _spoilt(lambda boxes, question, rng: boxes + _random(5, question, rng)),
        ),
        "padding to the count": (
            "Knows how many objects there are: where honesty boxes any, random boxes for those that it left out.",
            _spoilt(lambda boxes, question, rng: boxes + _random(_left_out(boxes, question), question, rng)),
        ),
        "copies to the count": (
            "The same with shifted copies of the honest boxes, where objects stand close together.",
            _spoilt(_copies_to_the_count),
        ),
        "whole images to the count": (
            "The same with the box over everything, which comes near any object.",
            _spoilt(lambda boxes, question, rng: [*boxes, *fixed.whole_picture(question) * _left_out(boxes, question)]),
        ),
        "most frequent count": (
            "The honest boxes, cut or padded at random to the most frequent number of objects.",
            _spoilt(_most_frequent_count),
        ),
        "one box only": ("The first honest box alone.", _spoilt(lambda boxes, question, rng: boxes[:1])),
        "hull of the boxes": ("One box around all honest ones.", _spoilt(_hull)),
        "never no objects": (
            'The honest boxes, and a random one where honesty says "No Objects".',
            _spoilt(lambda boxes, question, rng: boxes or _random(1, question, rng)),
        ),
        "always one box": (
            "The first honest box, or a random one: as if one box were asked for always.",
            _spoilt(lambda boxes, question, rng: (boxes or _random(1, question, rng))[:1]),
        ),
        "boxes and no objects": (
            'The honest boxes and "No Objects" in one answer: right either way.',
            in_tags(_said, "{} No Objects".format),
        ),
        "denied in a second answer": (
            'The honest boxes in one answer block and "No Objects" in the next.',
            rewritten(honest, "{} <answer>No Objects</answer>".format),
        ),
        "box and inverted picture": (
            "The honest boxes, then ``(999,999),(1,1)``: the published code reads corners across boxes.",
            _spoilt(lambda boxes, question, rng: [*boxes, (999, 999, 1, 1)]),
        ),
        **described(boxes_and_two_answers),
        **reasoning_cheats(_said),
        "no tags": ("The honest boxes alone, without any tags, for the parser to repair.", _said),
        "boxes in a sentence": (
            "The honest boxes with words around them, for the parser to repair.",
            in_tags(_said, "The object is at {}, I believe.".format),
        ),
    },
    right_in={
        "denied in a second answer": {NO_TARGET},
        "one box only": {ONE_ASKED, ONE},
        "always one box": {ONE_ASKED, ONE},
        # That something is meant, or how much.
        "most frequent count": _KNOWN,
        "padding to the count": _KNOWN,
        "copies to the count": _KNOWN,
        "whole images to the count": _KNOWN,
        "never no objects": _KNOWN,
    },
)

(_HONEST,) = policies(honest)
AUDIT = AuditedTask(_HONEST, _CHEATS, unasked_reasoning(honest), STRATA, strata_of, make_truth)
