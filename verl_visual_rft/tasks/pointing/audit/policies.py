# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The honest policy of pointing, and cheats on top of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from verl_visual_rft.tasks.audited.fixed_boxes import prior_of
from verl_visual_rft.tasks.audited.policy import policies, reasoning_cheats, response
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.audited.strata import LARGE, SMALL
from verl_visual_rft.tasks.marks import Point
from verl_visual_rft.tasks.pointing.audit.answers import (
    answer,
    at,
    honest_points,
    pointing_truth,
    random_point,
    random_points,
    within,
    written,
)
from verl_visual_rft.tasks.pointing.audit.blind import BLIND
from verl_visual_rft.tasks.pointing.audit.questions import ANY, NO_TARGET, ONE, SEVERAL


def honest(question: Question, rng: Random) -> str:
    """Finds 70 % of the targets and hits nine of ten of these; points elsewhere for half of the others."""
    return answer(honest_points(question, rng), rng)


def duplicates(question: Question, rng: Random) -> str:
    """Every honest point three times."""
    return answer([point for point in honest_points(question, rng) for _ in range(3)], rng)


def jittered_duplicates(question: Question, rng: Random) -> str:
    """Every honest point with two shifted copies: second and third guesses."""
    points = honest_points(question, rng)
    return answer([*points, *(_shifted(point, question, rng) for point in points * 2)], rng)


def second_guess(question: Question, rng: Random) -> str:
    """The honest points, and one at random."""
    return answer([*honest_points(question, rng), random_point(question, rng)], rng)


def padding(question: Question, rng: Random) -> str:
    """The honest points and five at random."""
    return answer([*honest_points(question, rng), *random_points(5, question, rng)], rng)


def padding_to_the_count(question: Question, rng: Random) -> str:
    """Knows how many targets there are: where honesty points at all, random points for those that it left out."""
    points = honest_points(question, rng)
    return answer([*points, *random_points(_left_out(points, question), question, rng)], rng)


def copies_to_the_count(question: Question, rng: Random) -> str:
    """The same with shifted copies of the honest points, where targets stand close together."""
    points = honest_points(question, rng)
    copies = [_shifted(rng.choice(points), question, rng) for _ in range(_left_out(points, question))]
    return answer([*points, *copies], rng)


def most_frequent_count(question: Question, rng: Random) -> str:
    """The honest points, cut or padded at random to the most frequent number of targets."""
    points, count = honest_points(question, rng), prior_of(question).count
    return answer([*points[:count], *random_points(max(0, count - len(points)), question, rng)], rng)


def one_point_only(question: Question, rng: Random) -> str:
    """The first honest point alone."""
    return answer(honest_points(question, rng)[:1], rng)


def never_no_objects(question: Question, rng: Random) -> str:
    """The honest points, and a random one where honesty says "No Objects"."""
    return answer(honest_points(question, rng) or [random_point(question, rng)], rng)


def points_and_no_objects(question: Question, rng: Random) -> str:
    """The honest points and "No Objects" in one answer: right either way."""
    return response(f"{written(honest_points(question, rng))} No Objects", rng)


def two_answers(question: Question, rng: Random) -> str:
    """The honest points in one answer block and "No Objects" in the next."""
    return f"{answer(honest_points(question, rng), rng)} <answer>No Objects</answer>"


def pulled_to_the_centre(question: Question, rng: Random) -> str:
    """The honest points, each a quarter of the way to the middle of the picture: a hedge."""
    middle = at(0.5, 0.5, question)
    extent = pointing_truth(question).extent
    points = honest_points(question, rng)
    return answer([within((0.75 * x + 0.25 * middle[0], 0.75 * y + 0.25 * middle[1]), extent) for x, y in points], rng)


def mean_of_the_points(question: Question, rng: Random) -> str:
    """One point in the middle of the honest ones."""
    points = honest_points(question, rng)
    mean = [sum(values) / len(points) for values in zip(*points, strict=True)]
    return answer([within((mean[0], mean[1]), pointing_truth(question).extent)] if points else [], rng)


def boxes_around_the_points(question: Question, rng: Random) -> str:
    """Every honest point as a box around it."""
    boxes = [[x - 20, y - 20, x + 20, y + 20] for x, y in honest_points(question, rng)]
    return response(str([{"bbox_2d": box} for box in boxes]).replace("'", '"') if boxes else "No Objects", rng)


def no_tags(question: Question, rng: Random) -> str:
    """The honest points without any tags, for the parser to repair."""
    return written(honest_points(question, rng))


def pairs_of_coordinates(question: Question, rng: Random) -> str:
    """The honest points as ``(x, y)``, for the parser to repair."""
    return response(", ".join(f"({x}, {y})" for x, y in honest_points(question, rng)) or "No Objects", rng)


def points_in_a_sentence(question: Question, rng: Random) -> str:
    """The honest points with words around them, for the parser to repair."""
    return response(f"It is at {written(honest_points(question, rng))}, I believe.", rng)


_KNOWN = {ANY, ONE, SEVERAL, SMALL, LARGE}
(HONEST,) = policies(honest)
CHEATS = BLIND + policies(
    duplicates,
    jittered_duplicates,
    second_guess,
    padding,
    padding_to_the_count,
    copies_to_the_count,
    most_frequent_count,
    one_point_only,
    never_no_objects,
    points_and_no_objects,
    two_answers,
    pulled_to_the_centre,
    mean_of_the_points,
    boxes_around_the_points,
    *reasoning_cheats(no_tags),
    no_tags,
    pairs_of_coordinates,
    points_in_a_sentence,
    right_in={
        two_answers: {NO_TARGET},
        one_point_only: {ONE},
        # That something is meant, or how much.
        most_frequent_count: _KNOWN,
        padding_to_the_count: _KNOWN,
        copies_to_the_count: _KNOWN,
        never_no_objects: _KNOWN,
    },
)


def _left_out(points: Sequence[Point], question: Question) -> int:
    # Not where it says "No Objects": to know better there is no cheat, see `never_no_objects`.
    return max(0, len(pointing_truth(question).targets) - len(points)) if points else 0


def _shifted(point: Point, question: Question, rng: Random) -> Point:
    x, y = pointing_truth(question).extent
    return within((rng.gauss(point[0], 0.05 * x), rng.gauss(point[1], 0.05 * y)), (x, y))
