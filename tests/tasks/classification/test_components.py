# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import score

FLOWERS = ["rose", "desert-rose", "tulip"]


@pytest.mark.parametrize(
    ("answer", "equal", "closed_set", "contains"),
    [
        pytest.param("rose", 1, 1, 1, id="right"),
        pytest.param(" ROSE\n", 1, 1, 1, id="case and white space"),
        pytest.param("rose.", 0, 1, 1, id="full stop"),
        pytest.param("a rose", 0, 1, 1, id="article"),
        pytest.param("Rosa", 0, 1, 0, id="alias"),
        pytest.param("desert rose", 0, 0, 1, id="another class, around it"),
        pytest.param("primrose", 0, 0, 1, id="word around it"),
        pytest.param("rose, desert-rose or tulip", 0, 0, 1, id="all classes"),
        pytest.param("e", 0, 0, 1, id="a letter"),
        pytest.param("", 0, 0, 1, id="empty"),
        pytest.param("tulip", 0, 0, 0, id="wrong"),
    ],
)
def test_accuracy(answer: str, equal: float, closed_set: float, contains: float) -> None:
    truth = {"label": "rose", "labels": FLOWERS, "aliases": {"rose": ["Rosa"]}}
    composed = "accuracy_equal=1,accuracy_closed_set=1,accuracy_contains=1"
    result = score("classification", f"<think> red </think> <answer>{answer}</answer>", truth, composed)
    values = [result[f"accuracy_{rule}"] for rule in ("equal", "closed_set", "contains")]
    assert values == [equal, closed_set, contains]
    assert result["score"] == sum(values)


@pytest.mark.parametrize("component", ["accuracy_equal", "accuracy_closed_set"])
def test_no_answer_is_wrong(component: str) -> None:
    assert score("classification", "<think> a rose </think> Red.\nA rose.", {"label": "rose"}, component)["score"] == 0


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        ({"label": "rose"}, 1),
        ({"label": "rose", "aliases": {"rose": ["Rosa"]}}, 1),
        ({"label": "tulip"}, 0),
        ("<answer>rose</answer>", 1),
    ],
)
def test_without_a_closed_set_the_answer_must_name_the_label(truth: Any, expected: float) -> None:
    response = "<think> red </think> <answer>A rose.</answer>"
    assert score("classification", response, truth, "accuracy_closed_set")["score"] == expected


def test_a_closed_set_with_one_name_for_two_classes_is_an_error() -> None:
    truth = {"label": "rose", "labels": ["rose", "Roses"]}
    with pytest.raises(UserError, match="same name"):
        score("classification", "<answer>rose</answer>", truth, "accuracy_closed_set")
