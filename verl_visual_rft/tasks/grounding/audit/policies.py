# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The honest policy of grounding, and cheats on top of its answers."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from verl_visual_rft.boxes import Box
from verl_visual_rft.tasks.audited import fixed_boxes as fixed
from verl_visual_rft.tasks.audited.policy import policies, reasoning_cheats, response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.random_boxes import jittered, scaled
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL
from verl_visual_rft.tasks.grounding.audit.answers import (
    answer,
    honest_boxes,
    random_boxes,
)
from verl_visual_rft.tasks.grounding.audit.blind import BLIND
from verl_visual_rft.tasks.grounding.audit.questions import NO_TARGET, ONE, ONE_ASKED, SEVERAL, grounding_truth
from verl_visual_rft.tasks.grounding.prompt import written


def honest(question: Question, rng: Random) -> str:
    """Finds 60 % of the objects at a mean IoU of 0.7; boxes elsewhere for others, for half where none may be meant."""
    return answer(honest_boxes(question, rng), rng)


def _each(change: Callable[[Box], Box], question: Question, rng: Random) -> str:
    return answer([change(box) for box in honest_boxes(question, rng)], rng)


def swapped_corners(question: Question, rng: Random) -> str:
    """Every honest box with its corners swapped: negative sides, positive area."""
    return _each(lambda box: (*box[2:], *box[:2]), question, rng)


def one_axis_inverted(question: Question, rng: Random) -> str:
    """Every honest box with left and right swapped: a negative area."""
    return _each(lambda box: (box[2], box[1], box[0], box[3]), question, rng)


def larger_boxes(question: Question, rng: Random) -> str:
    """Every honest box at twice its width and height: a hedge."""
    return _each(lambda box: scaled(box, 2, grounding_truth(question).extent), question, rng)


def smaller_boxes(question: Question, rng: Random) -> str:
    """The core of every honest box, at half its width and height."""
    return _each(lambda box: scaled(box, 0.5, grounding_truth(question).extent), question, rng)


def boxes_in_the_middle(question: Question, rng: Random) -> str:
    """Every honest box that lies in the middle half of the picture, for others the box over everything."""
    x, y = grounding_truth(question).extent

    def hedged(box: Box) -> Box:
        central = abs(box[0] + box[2] - x) < x / 2 and abs(box[1] + box[3] - y) < y / 2
        return box if central else fixed.whole_picture(question)[0]

    return _each(hedged, question, rng)


def second_guess(question: Question, rng: Random) -> str:
    """The honest boxes and one at random."""
    return answer([*honest_boxes(question, rng), *random_boxes(1, question, rng)], rng)


def duplicates(question: Question, rng: Random) -> str:
    """Every honest box two times."""
    return answer(honest_boxes(question, rng) * 2, rng)


def jittered_duplicates(question: Question, rng: Random) -> str:
    """Every honest box with two shifted copies: second and third guesses."""
    boxes = honest_boxes(question, rng)
    return answer([*boxes, *(_shifted(box, question, rng) for box in boxes * 2)], rng)


def padding(question: Question, rng: Random) -> str:
    """The honest boxes and five at random."""
    return answer([*honest_boxes(question, rng), *random_boxes(5, question, rng)], rng)


def padding_to_the_count(question: Question, rng: Random) -> str:
    """Knows how many objects there are: where honesty boxes any, random boxes for those that it left out."""
    boxes = honest_boxes(question, rng)
    return answer([*boxes, *random_boxes(_left_out(boxes, question), question, rng)], rng)


def copies_to_the_count(question: Question, rng: Random) -> str:
    """The same with shifted copies of the honest boxes, where objects stand close together."""
    boxes = honest_boxes(question, rng)
    copies = [_shifted(rng.choice(boxes), question, rng) for _ in range(_left_out(boxes, question))]
    return answer([*boxes, *copies], rng)


def whole_images_to_the_count(question: Question, rng: Random) -> str:
    """The same with the box over everything, which comes near any object."""
    boxes = honest_boxes(question, rng)
    return answer([*boxes, *fixed.whole_picture(question) * _left_out(boxes, question)], rng)


def most_frequent_count(question: Question, rng: Random) -> str:
    """The honest boxes, cut or padded at random to the most frequent number of objects."""
    boxes, count = honest_boxes(question, rng), fixed.prior_of(question).count
    return answer([*boxes[:count], *random_boxes(max(0, count - len(boxes)), question, rng)], rng)


def one_box_only(question: Question, rng: Random) -> str:
    """The first honest box alone."""
    return answer(honest_boxes(question, rng)[:1], rng)


def hull_of_the_boxes(question: Question, rng: Random) -> str:
    """One box around all honest ones."""
    boxes = honest_boxes(question, rng)
    x1, y1, x2, y2 = zip(*boxes, strict=True) if boxes else ((),) * 4
    return answer([(min(x1), min(y1), max(x2), max(y2))] if boxes else [], rng)


def never_no_objects(question: Question, rng: Random) -> str:
    """The honest boxes, and a random one where honesty says "No Objects"."""
    return answer(honest_boxes(question, rng) or random_boxes(1, question, rng), rng)


def always_one_box(question: Question, rng: Random) -> str:
    """The first honest box, or a random one: as if one box were asked for always."""
    return answer((honest_boxes(question, rng) or random_boxes(1, question, rng))[:1], rng)


def boxes_and_no_objects(question: Question, rng: Random) -> str:
    """The honest boxes and "No Objects" in one answer: right either way."""
    return response(f"{written(honest_boxes(question, rng))} No Objects", rng)


def denied_in_a_second_answer(question: Question, rng: Random) -> str:
    """The honest boxes in one answer block and "No Objects" in the next."""
    return f"{answer(honest_boxes(question, rng), rng)} <answer>No Objects</answer>"


def box_and_inverted_picture(question: Question, rng: Random) -> str:
    """The honest boxes, then ``(999,999),(1,1)``: the published code reads corners across boxes."""
    return answer([*honest_boxes(question, rng), (999, 999, 1, 1)], rng)


def boxes_and_two_answers(question: Question, rng: Random) -> str:
    """The honest boxes in one answer block, the whole picture in the next."""
    return f"{answer(honest_boxes(question, rng), rng)} <answer>{written(fixed.whole_picture(question))}</answer>"


def no_tags(question: Question, rng: Random) -> str:
    """The honest boxes alone, without any tags, for the parser to repair."""
    return written(honest_boxes(question, rng))


def boxes_in_a_sentence(question: Question, rng: Random) -> str:
    """The honest boxes with words around them, for the parser to repair."""
    return response(f"The object is at {written(honest_boxes(question, rng))}, I believe.", rng)


_KNOWN = {ONE_ASKED, ONE, SEVERAL, SMALL, LARGE}
(HONEST,) = policies(honest)
CHEATS = BLIND + policies(
    swapped_corners,
    one_axis_inverted,
    larger_boxes,
    smaller_boxes,
    boxes_in_the_middle,
    second_guess,
    duplicates,
    jittered_duplicates,
    padding,
    padding_to_the_count,
    copies_to_the_count,
    whole_images_to_the_count,
    most_frequent_count,
    one_box_only,
    hull_of_the_boxes,
    never_no_objects,
    always_one_box,
    boxes_and_no_objects,
    denied_in_a_second_answer,
    box_and_inverted_picture,
    boxes_and_two_answers,
    *reasoning_cheats(no_tags),
    no_tags,
    boxes_in_a_sentence,
    right_in={
        denied_in_a_second_answer: {NO_TARGET},
        one_box_only: {ONE_ASKED, ONE},
        always_one_box: {ONE_ASKED, ONE},
        # That something is meant, or how much.
        most_frequent_count: _KNOWN,
        padding_to_the_count: _KNOWN,
        copies_to_the_count: _KNOWN,
        whole_images_to_the_count: _KNOWN,
        never_no_objects: _KNOWN,
    },
)


def _left_out(boxes: list[Box], question: Question) -> int:
    return max(0, len(grounding_truth(question).boxes) - len(boxes)) if boxes else 0


def _shifted(box: Box, question: Question, rng: Random) -> Box:
    return jittered(box, rng, grounding_truth(question).extent)
