# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Truths of several categories: forms, errors, and the gold answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks import load_task, read_truth
from verl_visual_rft.tasks.labelled_detection import LabelledTruth
from verl_visual_rft.tasks.labelled_detection.prompt import labelled_answer, labelled_prompt, labelled_stub

TASK = "labelled_detection"
GOOD: dict[str, Any] = {"categories": ["cup", "wine glass"], "objects": [{"bbox_2d": [1, 2, 3.5, 4], "label": "cup"}]}


@pytest.mark.parametrize("content", [GOOD, {**GOOD, "objects": []}, {**GOOD, "extent": [644, 476], "think": False}])
def test_the_gold_answer_is_read_back(content: dict[str, Any]) -> None:
    task, truth = load_task(TASK), read_truth(TASK, json.dumps(content))
    assert isinstance(truth, LabelledTruth)
    answer = task.parse("<think>x</think> " + truth.solution, truth.extent, True)
    assert task.says(answer, truth)
    assert truth.is_negative is (not content["objects"])
    assert task.marks(answer) == truth.marks()
    assert all(mark.lies_within(truth.extent) for mark in truth.marks())
    assert task.read_solution(truth.solution).claim == truth.claim
    assert not task.find(answer, truth)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"categories": []}, "no list of names"),
        ({"categories": "cup"}, "no list of names"),
        ({"categories": ["cup", " "]}, "no list of names"),
        ({"categories": ["cup", "Cups"]}, "cannot be told apart"),
        ({"categories": ["cup", "..."]}, "cannot be told apart"),
        ({"categories": ["cup", "cup"]}, "names a category twice"),
        ({"objects": None}, "no list of objects"),
        ({"objects": [[1, 2, 3, 4]]}, "no list of objects"),
        ({"objects": [{"bbox_2d": [1, 2, 3, 4], "label": "fork"}]}, "'fork' that is no category"),
        ({"objects": [{"bbox_2d": [1, 2, 3, 4]}]}, "None that is no category"),
        ({"objects": [{"bbox_2d": [3, 2, 1, 4], "label": "cup"}]}, r"box \[3, 2, 1, 4\] is not valid"),
        ({"objects": [{"label": "cup"}]}, "box None is not valid"),
        ({"extent": [0, 1]}, "'extent'"),
        ({"think": "no"}, "'think'"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_a_remedy(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"ground truth .*{message}.*give "):
        read_truth(TASK, {**GOOD, **changes})


@pytest.mark.parametrize("text", ["", "null", "[]", "<answer>cup</answer>", "<answer></answer>"])
def test_no_truth_at_all(text: str) -> None:
    with pytest.raises(UserError, match="ground truth .*give "):
        read_truth(TASK, text)


def test_labels_name_categories_by_the_rule_of_closed_sets() -> None:
    truth = LabelledTruth(("dog", "hot dog", "cup"), ())
    labels = ["The dogs", "hot-dog", "dog or cup", "a red cup", "cat", ""]
    assert [truth.category_of(labels)[label] for label in labels] == ["dog", "hot dog", None, "cup", None, None]


@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("think", [False, True])
def test_the_prompt(think: bool, pixels: bool) -> None:
    text = labelled_prompt(["cup", "wine glass"], think, pixels)
    assert "categories: cup, wine glass.\n" in text
    assert ("<think>" in text) is think and ("in pixels" in text) is pixels
    assert '<answer>[{"bbox_2d": [x1, y1, x2, y2], "label": "category"}, ...]</answer>' in text
    assert "<image>" not in text


def test_targets() -> None:
    assert labelled_answer([]) == "<answer>No Objects</answer>"
    quoted = labelled_answer([((1, 2, 3, 4), 'a "b"')], "x")
    assert quoted == '<think>x</think> <answer>[{"bbox_2d": [1, 2, 3, 4], "label": "a \\"b\\""}]</answer>'
    assert labelled_stub(["cup", "pen"], []).endswith("count: none.")
