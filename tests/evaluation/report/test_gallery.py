# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from dataclasses import replace

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.report.gallery import MOST_MARKS, choose_rows, common_rows, make_card
from verl_visual_rft.rewards import load_reward

ROBUST = load_reward("robust")
TRUTH = [100, 100, 500, 500]
BLANK = Prediction(
    index=0,
    image_id="0",
    category="cat",
    category_id=1,
    width=200,
    height=100,
    ground_truth=json.dumps({"boxes": [TRUTH]}),
    response="",
    response_tokens=0,
    finish_reason="stop",
)


def _predictions(rewards, answer):
    """Answers that earn little, more and most for -1, 0 and 1."""
    boxes = {-1: [600, 600, 700, 700], 0: [100, 100, 500, 350], 1: TRUTH}
    return [
        replace(BLANK, index=index, image_id=str(index), response=answer((boxes[reward], 0.9)))
        for index, reward in enumerate(rewards)
    ]


@pytest.mark.parametrize(
    ("change", "count", "expected"),
    [
        ([1, -1, 0, 1, -1, 0], 3, {"Better": (2, (0,)), "Unchanged": (2, (2,)), "Worse": (2, (1,))}),
        # Equal distances in the order of the file.
        ([1] * 10, 5, {"Better": (10, (0, 2, 4, 6, 8)), "Unchanged": (0, ()), "Worse": (0, ())}),
        # A small group leaves its places to the others.
        ([1, 1, 1, 1, 0, 0, 0, 0, -1], 7, {"Better": (4, (0, 1, 2)), "Unchanged": (4, (4, 5, 6)), "Worse": (1, (8,))}),
        ([1, -1], 24, {"Better": (1, (0,)), "Unchanged": (0, ()), "Worse": (1, (1,))}),
        ([1, 0, -1], 0, {"Better": (1, ()), "Unchanged": (1, ()), "Worse": (1, ())}),
    ],
)
def test_choice(answer, change, count, expected):
    predictions = {"rft": _predictions(change, answer), "base": _predictions([0] * len(change), answer)}
    groups = choose_rows(common_rows(predictions, gated=False)[0], ROBUST, count)
    assert {group.title: (group.of, group.rows) for group in groups} == expected


def test_one_method_alone_is_spread_over_the_file(answer):
    answers, _ = common_rows({"base": _predictions([0] * 9, answer)}, gated=False)
    (group,) = choose_rows(answers, ROBUST, 3)
    assert (group.title, group.of, group.rows) == ("Answers", 9, (0, 3, 6))


def test_methods_that_answered_other_questions(answer):
    two, one = _predictions([0, 0], answer), _predictions([0], answer)
    with pytest.raises(UserError, match="'base' and 'rft' differ in 1 questions"):
        common_rows({"base": two, "rft": one}, gated=False)
    answers, left_out = common_rows({"base": two, "rft": one}, gated=True)
    assert ([*answers["base"]], [*answers["rft"]], left_out) == ([0], [0], 1)


@pytest.mark.parametrize("change", [{"image_id": "7"}, {"ground_truth": '{"boxes": []}'}])
def test_methods_that_answered_other_data(answer, change):
    one = _predictions([0], answer)
    with pytest.raises(UserError, match="differ in 1 questions"):
        common_rows({"base": one, "rft": [replace(one[0], **change)]}, gated=True)


def test_card_of_detection(answer):
    text = answer(([600, 600, 700, 700], 0.3), (TRUTH, 0.9)).replace("I look.", "By the door.")
    card = make_card(0, {"rft": {0: replace(BLANK, response=text)}}, ROBUST)
    (truth,), (panel,) = card.truth, card.panels
    assert (truth.points, truth.label) == (((20, 10), (100, 50)), "")
    assert [(mark.points, mark.label) for mark in panel.marks] == [
        (((20, 10), (100, 50)), "0.90"),
        (((120, 60), (140, 70)), "0.30"),
    ]
    assert panel.matches == (
        "box 1, confidence 0.90: IoU 1.00 with its object",
        "box 2, confidence 0.30: no object (largest IoU 0.00)",
    )
    assert [finding.value for finding in panel.findings] == ["false alarm"]
    assert (panel.name, panel.outcome, panel.thinking) == ("+ Visual-RFT", "well_formed", "By the door.")
    assert dict(panel.components).keys() >= {"iou", "confidence", "format"}


def test_boxes_of_a_family_that_answers_in_pixels(answer):
    truth = json.dumps({"boxes": [[28, 28, 56, 56]], "extent": [224, 112]})
    asked = replace(BLANK, ground_truth=truth, response=answer(([28, 28, 56, 56], 0.9)))
    card = make_card(0, {"base": {0: asked}}, ROBUST)
    (mark,) = card.panels[0].marks
    assert mark.points == ((25, 25), (50, 50))
    assert [finding.value for finding in card.panels[0].findings] == ["right"]


def test_flood_of_boxes_is_cut(answer):
    text = answer(*(([x, 600, x + 1, 700], 0.5) for x in range(100)))
    (panel,) = make_card(0, {"base": {0: replace(BLANK, response=text)}}, ROBUST).panels
    assert (len(panel.marks), panel.hidden_marks) == (MOST_MARKS, 100 - MOST_MARKS)
    assert panel.matches[-1] == "1 object without a box"


def test_card_of_classification_and_of_grounding():
    named = replace(BLANK, task="classification", ground_truth='{"label": "rose"}', response="<answer>lily</answer>")
    card = make_card(0, {"base": {0: named}}, ROBUST)
    assert (card.panels[0].label, card.truth, card.panels[0].marks) == ("lily", (), ())
    assert [finding.value for finding in card.panels[0].findings] == ["wrong class"]

    pointed = replace(
        BLANK,
        task="grounding",
        ground_truth=json.dumps({"box": TRUTH}),
        response="<think> a </think> <answer>(100,100),(500,500)</answer>",
    )
    (panel,) = make_card(0, {"base": {0: pointed}}, ROBUST).panels
    assert [(mark.points, mark.label) for mark in panel.marks] == [(((20, 10), (100, 50)), "")]
    assert panel.matches == ("box 1: IoU 1.00 with its object",)


def test_card_of_labelled_boxes_and_of_a_number():
    truth = {"objects": [{"bbox_2d": TRUTH, "label": "cat"}], "categories": ["cat", "dog"]}
    named = replace(
        BLANK,
        task="labelled_detection",
        ground_truth=json.dumps(truth),
        response='<think> a </think> <answer>[{"bbox_2d": [600, 600, 700, 700], "label": "dog"}]</answer>',
    )
    card = make_card(0, {"base": {0: named}}, ROBUST)
    assert [(mark.label, mark.anchor) for mark in card.truth] == [("cat", "start")]
    assert [(mark.label, mark.anchor) for mark in card.panels[0].marks] == [("dog", "end")]

    counted = replace(BLANK, task="counting", ground_truth='{"count": 3}', response="<answer>2</answer>")
    card = make_card(0, {"base": {0: counted}}, ROBUST)
    assert (card.right, card.panels[0].label, card.is_drawn) == ("3", "2", False)
