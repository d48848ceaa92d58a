# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Questions that may mean nothing, or several objects: truths, answers, rewards and findings."""

from __future__ import annotations

import math
import re
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.answers import Outcome
from verl_visual_rft.answers.notations import MAX_BOXES
from verl_visual_rft.boxes import giou, giou_similarity, iou
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.rewards.explain import explain
from verl_visual_rft.tasks import load_task, make_sample, read_truth
from verl_visual_rft.tasks.findings import Finding
from verl_visual_rft.tasks.grounding import GroundingTruth, matching, parse_grounding
from verl_visual_rft.tasks.grounding.matching import pair_up
from verl_visual_rft.tasks.grounding.prompt import written
from verl_visual_rft.tasks.grounding.reference import Reference

LEFT, RIGHT, FAR = (0, 0, 100, 100), (500, 0, 600, 100), (800, 800, 900, 900)
HALF = (0, 0, 100, 50)
LOOSE = "corners with decimals, with signs or without a comma between"


def said(*boxes: tuple[float, ...]) -> str:
    return f"<think> It is red. </think> <answer>{written(boxes)}</answer>"


def meant(*boxes: tuple[float, ...]) -> dict[str, Any]:
    return {"boxes": [list(box) for box in boxes]}


@pytest.mark.parametrize(
    ("content", "boxes", "solution"),
    [
        (meant(), (), "<answer> No Objects </answer>"),
        (meant(LEFT), (LEFT,), "<answer> (0,0),(100,100) </answer>"),
        (meant(LEFT, RIGHT), (LEFT, RIGHT), "<answer> (0,0),(100,100); (500,0),(600,100) </answer>"),
    ],
)
def test_truths(content: dict[str, Any], boxes: tuple[tuple[float, ...], ...], solution: str) -> None:
    truth = read_truth("grounding", content)
    assert isinstance(truth, GroundingTruth) and truth.any_number
    assert (truth.boxes, truth.solution, truth.is_negative) == (boxes, solution, not boxes)
    assert [mark.box for mark in truth.marks()] == list(boxes)
    assert truth.claim == read_truth("grounding", meant(*reversed(boxes))).claim
    assert read_truth("grounding", solution).claim == truth.claim


def test_one_box_as_published_is_asked_for_alone() -> None:
    published = read_truth("grounding", {"box": LEFT})
    assert published == read_truth("grounding", "<answer> (0,0),(100,100) </answer>")
    assert published != read_truth("grounding", meant(LEFT)) and published.claim == (LEFT,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"box": LEFT, "boxes": [LEFT]}, "has not one of the keys 'box' and 'boxes'; give {\"box\""),
        ({}, "has not one of the keys"),
        ({"boxes": None}, "has no list under the key 'boxes'"),
        ({"boxes": "all"}, "has no list under the key 'boxes'"),
        ({"boxes": LEFT}, "box 0 is not valid"),
        ({"boxes": [LEFT, (3, 2, 1, 4)]}, "box (3, 2, 1, 4) is not valid"),
    ],
)
def test_what_is_no_truth_is_said(content: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        read_truth("grounding", content)


@pytest.mark.parametrize(
    ("body", "outcome", "boxes", "reason"),
    [
        ("(0,0),(100,100)", Outcome.WELL_FORMED, (LEFT,), ""),
        ("(0,0),(100,100); (500,0),(600,100)", Outcome.WELL_FORMED, (LEFT, RIGHT), ""),
        ("(0,0),(100,100),(500,0),(600,100)", Outcome.WELL_FORMED, (LEFT, RIGHT), ""),
        ("(0,0),(100,100)\n(500,0),(600,100)", Outcome.WELL_FORMED, (LEFT, RIGHT), ""),
        ("No Objects", Outcome.NO_OBJECTS, (), ""),
        ("[]", Outcome.NO_OBJECTS, (), ""),
        ("There are no objects in the image.", Outcome.NO_OBJECTS, (), ""),
        ("(0,0),(100,100) and (500,0),(600,100)", Outcome.REPAIRED, (LEFT, RIGHT), "text around the boxes"),
        ("(0,0),(100,100)(500,0),(600,100)", Outcome.REPAIRED, (LEFT, RIGHT), "text around the boxes"),
        ("(0,0),(100,100); (500.0,0),(600,100)", Outcome.REPAIRED, (LEFT, RIGHT), LOOSE),
        ('[{"bbox_2d": [0, 0, 100, 100]}, {"bbox_2d": [500, 0, 600, 100]}]', Outcome.REPAIRED, (LEFT, RIGHT),
         "boxes written as objects"),
        ("(0,0),(100,100); (9,9),(1,1)", Outcome.REPAIRED, (LEFT,), "1 of 2 boxes invalid"),
        ("(9,9),(1,1)", Outcome.MALFORMED, (), "1 boxes, 1 of them invalid"),
        ("(0,0),(100,100) No Objects", Outcome.REPAIRED, (LEFT,), "text around the boxes"),
        ("the cup", Outcome.MALFORMED, (), "no box in a known notation"),
        ("(x1,y1),(x2,y2); (x1,y1),(x2,y2); ...", Outcome.MALFORMED, (), "no box in a known notation"),
    ],
)  # fmt: skip
def test_answers(body: str, outcome: Outcome, boxes: tuple[tuple[float, ...], ...], reason: str) -> None:
    answer = parse_grounding(f"<think> a </think> <answer>{body}</answer>", any_number=True)
    assert (answer.outcome, answer.boxes, answer.reason) == (outcome, boxes, reason)


def test_no_objects_without_tags_is_an_answer_only_where_any_number_is_asked_for() -> None:
    response = "<think> a </think> No Objects"
    assert parse_grounding(response, any_number=True).outcome is Outcome.NO_OBJECTS
    assert parse_grounding(response).outcome is Outcome.NO_ANSWER


def test_a_flood_is_read_in_part_and_counted_as_a_whole() -> None:
    answer = parse_grounding(said(*[LEFT] * 1000), any_number=True)
    assert (len(answer.boxes), answer.n_boxes) == (MAX_BOXES, 1000)


NEAR_HALF = giou_similarity(HALF, LEFT) ** 2
NEAR_FAR = giou_similarity(FAR, RIGHT) ** 2


@pytest.mark.parametrize(
    ("boxes", "truths", "overlap", "near"),
    [
        ((LEFT,), (LEFT,), 1, 1),
        ((HALF,), (LEFT,), 0.5, NEAR_HALF),
        ((RIGHT, LEFT), (LEFT, RIGHT), 1, 1),
        ((HALF, RIGHT), (LEFT, RIGHT), (1 + math.sqrt(0.5)) ** 2 / 4, (1 + NEAR_HALF) / 2),
        ((LEFT,), (LEFT, RIGHT), 0.5, 1),
        ((LEFT, LEFT), (LEFT,), 0.5, 0.5),
        ((LEFT, FAR), (LEFT, RIGHT), 0.25, (1 + NEAR_FAR) / 2),
        ((LEFT, RIGHT, FAR), (LEFT, RIGHT), 4 / 6, 2 / 3),
        ((), (), 1, 1),
        ((LEFT,), (), 0, 0),
        ((), (LEFT,), 0, 0),
    ],
)
def test_values_by_hand(boxes: Any, truths: Any, overlap: float, near: float) -> None:
    result = score("grounding", said(*boxes), meant(*truths))
    assert (result["iou"], result["giou"], result["format"]) == (pytest.approx(overlap), pytest.approx(near), 1)
    assert result["score"] == pytest.approx(overlap + near + 0.5)
    assert score("grounding", said(*boxes), meant(*truths), "paper")["score"] == pytest.approx(overlap + 1)
    assert score("grounding", said(*boxes), meant(*truths), "iou=1")["score"] == pytest.approx(overlap)


def test_a_box_that_is_not_valid_is_a_box() -> None:
    assert score("grounding", said(LEFT, (9, 9, 1, 1)), meant(LEFT))["iou"] == 0.5


def test_two_boxes_for_a_row_that_asks_for_one_earn_nothing() -> None:
    assert score("grounding", said(LEFT, RIGHT), {"box": LEFT})["score"] == 0
    assert score("grounding", said(), {"box": LEFT})["score"] == 0


def test_paper_reads_no_loose_corners_and_reference_refuses() -> None:
    loose = "<think> a </think> <answer>(0,0),(100,100); (500.0,0),(600,100)</answer>"
    paid = score("grounding", loose, meant(LEFT, RIGHT), "paper")
    assert (paid["iou"], paid["format"], paid["score"]) == (0, 1, 1)
    for truths in ((), (LEFT,), (LEFT, RIGHT)):
        truth = read_truth("grounding", meant(*truths))
        assert isinstance(truth, GroundingTruth)
        with pytest.raises(UserError, match=f"one box an instruction; this row has {len(truths)} under 'boxes': use"):
            Reference(symbolic_check=False)(said(LEFT), truth)


coordinates = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 60), st.integers(1, 60))
boxes_of_a_picture = coordinates.map(lambda b: (float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3])))


@given(boxes_of_a_picture, boxes_of_a_picture)
def test_with_one_box_on_either_side_it_is_what_a_published_row_earns(box: Any, truth: Any) -> None:
    for reward in ("robust", "paper", "iou=1,giou=1,diou=1,ciou=1,l1=1"):
        loaded = load_reward(reward)
        assert score("grounding", said(box), meant(truth), loaded) == score(
            "grounding", said(box), {"box": truth}, loaded
        )


@given(st.lists(boxes_of_a_picture, max_size=5), st.lists(boxes_of_a_picture, max_size=5, unique=True))
def test_the_range_holds_and_no_order_matters(boxes: Any, truths: Any) -> None:
    result = score("grounding", said(*boxes), meant(*truths))
    turned = score("grounding", said(*boxes[::-1]), meant(*truths[::-1]))
    assert 0 <= result["iou"] <= 1 and 0 <= result["giou"] <= 1
    if len({iou(box, truth) for box in boxes for truth in truths}) == len(boxes) * len(truths):  # no ties
        assert result["score"] == pytest.approx(turned["score"])
    assert score("grounding", said(*truths), meant(*truths))["score"] == pytest.approx(2.5)
    pairs = pair_up(boxes, truths)
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs) == min(len(boxes), len(truths))


def test_of_several_guesses_at_one_object_none_pays_but_the_best() -> None:
    places = [LEFT, RIGHT, FAR]
    chances = [0.4, 0.3, 0.2]
    worth = [
        sum(
            chance * score("grounding", said(*places[:count]), meant(place))["score"]
            for chance, place in zip(chances, places, strict=True)
        )
        for count in (1, 2, 3)
    ]
    assert worth == sorted(worth, reverse=True)


few_places = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3))  # ties abound
boxes_of_few_places = few_places.map(lambda b: (float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3])))
some_boxes = st.one_of(st.lists(boxes_of_few_places, max_size=7), st.lists(boxes_of_a_picture, max_size=7))


@given(some_boxes, some_boxes)
def test_pairs_are_those_of_the_rule_as_it_reads(boxes: Any, truths: Any) -> None:
    left = [(a, t) for a in range(len(boxes)) for t in range(len(truths))]
    expected = []
    while left:
        best = max(left, key=lambda at: (iou(boxes[at[0]], truths[at[1]]), giou(boxes[at[0]], truths[at[1]])))
        expected.append(best)
        left = [(a, t) for a, t in left if a != best[0] and t != best[1]]
    assert pair_up(boxes, truths) == expected


def test_an_answer_is_paired_once_for_all_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """300 boxes against 300 took 880 ms, when each component paired them anew and GIoU was asked of every pair."""
    places = [(30 * (i % 20), 30 * (i // 20)) for i in range(MAX_BOXES)]
    truths = [(x, y, x + 20, y + 20) for x, y in places]
    answered = [(x + 1, y, x + 20, y + 20) for x, y in places]
    asked = []
    for name in ("area", "giou"):
        whole = getattr(matching, name)
        monkeypatch.setattr(matching, name, lambda *boxes, whole=whole: (asked.append(boxes), whole(*boxes))[1])
    assert score("grounding", said(*answered), meant(*truths), "iou=1,giou=1,diou=1,l1=1")["iou"] == pytest.approx(0.95)
    assert len(asked) == 3 * MAX_BOXES  # areas of both sides, and GIoU of the pairs alone, whose IoUs are equal


@pytest.mark.parametrize("order", list(permutations([LEFT, HALF, RIGHT])))
def test_what_overlaps_most_is_paired_first(order: tuple[tuple[float, ...], ...]) -> None:
    given_to = {order[answered]: true for answered, true in pair_up(order, [LEFT, RIGHT])}
    assert given_to == {LEFT: 0, RIGHT: 1}


@pytest.mark.parametrize(
    ("boxes", "truths", "found"),
    [
        ((LEFT, RIGHT), (RIGHT, LEFT), set()),
        ((LEFT,), (LEFT, RIGHT), {Finding.MISSED}),
        ((), (LEFT,), {Finding.MISSED}),
        ((LEFT,), (), {Finding.FALSE_ALARM}),
        ((), (), set()),
    ],
)
def test_findings_and_what_an_answer_says(boxes: Any, truths: Any, found: set[Finding]) -> None:
    task, sample = load_task("grounding"), make_sample("grounding", said(*boxes), meant(*truths))
    assert task.find(sample.answer, sample.truth) == found
    assert task.says(sample.answer, sample.truth) is not bool(found)


def test_an_explanation_shows_the_pairs() -> None:
    (rule,) = explain("grounding", said(FAR, HALF), meant(LEFT, RIGHT)).rules
    miss, hit = rule.matching.matches
    assert (hit.quality, hit.truth and hit.truth.box, miss.truth) == (0.5, LEFT, None)
    assert [mark.box for mark in rule.matching.missed] == [RIGHT]
    (nothing,) = explain("grounding", said(), meant()).rules
    assert nothing.matching.matches == nothing.matching.missed == ()


@pytest.mark.parametrize(("reward", "says_more"), [("robust", "it is their IoU"), ("paper", "is their IoU")])
def test_the_formula_that_is_shown_gives_the_value_that_is_shown(reward: str, says_more: str) -> None:
    """It said "IoU of the answer's box and the true one" of two pairs of IoU 0.9 and a box that is not valid: 0.6."""
    answer = "<think> Red. </think> <answer>(0,0),(100,90); (500,0),(600,90); (7,7),(7,7)</answer>"
    explanation = explain("grounding", answer, meant(LEFT, RIGHT), reward)
    component = next(one for one in explanation.components if one.name == "iou")
    assert component.value == pytest.approx((2 * math.sqrt(0.9)) ** 2 / (3 * 2)) == pytest.approx(0.6)
    assert component.formula.startswith("(sum over pairs of sqrt(q))^2 / (P T)") and says_more in component.formula
