# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the three accuracies, on cases and on the CLIP predictions of the paper's evaluation lists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from shared_inputs import shared

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.results import score_answers
from verl_visual_rft.tasks.classification.metrics import (
    ClassificationMetrics,
    Confusion,
    measure_classification,
)

FLOWERS = ("rose", "desert-rose", "english_marigold", "tulip")


def measure(
    answers: Sequence[tuple[str, str]], labels: Sequence[str] = FLOWERS, finish_reason: str = "stop"
) -> ClassificationMetrics:
    """Metrics of (class, response) pairs, a picture each."""
    predictions = [
        Prediction(
            index=index,
            task="classification",
            image_id=f"{index}.jpg",
            category=label,
            category_id=index,
            width=64,
            height=64,
            ground_truth=json.dumps({"label": label, "labels": labels}),
            response=response,
            response_tokens=len(response),
            finish_reason=finish_reason,
        )
        for index, (label, response) in enumerate(answers)
    ]
    return measure_classification(score_answers(predictions, "classification", "paper", Path("p.jsonl")), "paper")


def said(name: str) -> str:
    return f"<think> petals </think> <answer>{name}</answer>"


@pytest.mark.parametrize(
    ("label", "response", "strict", "closed_set", "containment"),
    [
        ("rose", said("rose"), 1, 1, 1),
        ("english_marigold", said(" English  Marigold "), 1, 1, 1),
        ("rose", said("The roses."), 0, 1, 1),
        ("rose", said("a rose"), 0, 1, 1),
        ("desert-rose", said("desert rose"), 0, 1, 0),
        ("desert-rose", said("rose"), 0, 0, 1),
        ("rose", said("rose, desert-rose, english_marigold, tulip"), 0, 0, 1),
        ("rose", said("tulip"), 0, 0, 0),
        ("rose", said("daisy"), 0, 0, 0),
        ("rose", said(""), 0, 0, 1),
        ("rose", "rose", 1, 1, 0),
        ("rose", "It has petals.\nrose", 0, 0, 0),
        ("rose", "", 0, 0, 0),
        ("rose", said("\nrose\n"), 1, 1, 0),
        ("rose", "<think> <answer>tulip</answer> no </think> <answer>rose</answer>", 1, 1, 0),
        ("rose", "<think> petals </think> <answer>rose", 1, 1, 0),
    ],
)
def test_the_three_rules_on_one_answer(label, response, strict, closed_set, containment):
    metrics = measure([(label, response)])
    assert {name: figure.value / 100 for name, figure in metrics.figures().items()} == {
        "strict": strict,
        "closed_set": closed_set,
        "containment": containment,
    }


def test_wrong_answers_are_counted_by_pairs_the_most_frequent_first():
    metrics = measure(
        [
            *[("rose", said("tulip"))] * 2,
            *[("tulip", said("desert rose"))] * 3,
            ("rose", said("daisy")),
            ("rose", "no idea,\nnone at all"),
            ("tulip", said("tulip")),
        ]
    )
    assert metrics.confusions == (
        Confusion("tulip", "desert-rose", 3),
        Confusion("rose", None, 2),
        Confusion("rose", "tulip", 2),
    )
    assert (metrics.n, metrics.answers.failed) == (8, 1)
    assert sum(confusion.count for confusion in metrics.confusions) == round(8 * (1 - metrics.closed_set.value / 100))


def test_without_a_closed_set_there_is_no_figure_for_it():
    metrics = measure([("rose", said("rose")), ("tulip", said("rose"))], labels=())
    assert (metrics.closed_set, metrics.confusions, metrics.strict.value) == (None, (), 50.0)
    assert "n/a" in str([list(column.cells) for column in metrics.table().columns])


def test_an_interval_is_around_its_figure_and_narrows_with_more_pictures():
    few, many = (measure([("rose", said("rose")), ("rose", said("tulip"))] * n).strict for n in (10, 1000))
    assert few.low < few.value == 50.0 < few.high and few.n == 20
    assert many.high - many.low < (few.high - few.low) / 5


def test_the_statistics_stand_at_the_top_of_the_json():
    content = measure([("rose", said("rose")), ("rose", "")], finish_reason="length").to_dict()
    assert content["task"] == "classification"
    assert (content["n"], content["failed"], content["cut_answers"], content["format_rate"]) == (2, 1, 2, 0.5)
    assert content["outcomes"] == {"no_answer": 1, "well_formed": 1}
    assert (content["reward_name"], content["reward"]) == ("paper", 1.0)
    assert content["strict"]["n"] == 2
    assert json.loads(json.dumps(content, allow_nan=False)) == {**content, "confusions": list(content["confusions"])}


def test_an_unreadable_truth_names_file_and_line():
    with pytest.raises(UserError, match=r"p\.jsonl: line 0: .*not one of its 'labels'"):
        measure([("oak", said("oak"))])


@pytest.mark.parametrize("name", ["flowers102", "pets37", "fgvc_aircraft", "cars196"])
def test_clip_predictions_reach_the_reference_accuracies(name):
    content = json.loads(shared(f"data/visual_rft/eval_list_{name}.json").read_text())
    expected = json.loads(shared("data/reference_numbers.json").read_text())[f"clip_accuracy_{name}"]
    names = content["classnames"]
    metrics = measure([(names[label], said(names[ranked[0]])) for _, label, ranked in content["rows"]], labels=names)
    n = expected["n"]
    assert metrics.n == metrics.strict.n == n
    assert {name: figure.value for name, figure in metrics.figures().items()} == pytest.approx(
        {
            "strict": 100 * expected["top1"] / n,
            "closed_set": 100 * expected["top1"] / n,
            "containment": 100 * expected["containment_rule"] / n,
        },
        abs=1e-9,
    )
    assert metrics.strict.low < metrics.strict.value < metrics.strict.high


@pytest.mark.parametrize("name", ["flowers102", "pets37", "fgvc_aircraft", "cars196"])
def test_every_class_is_right_for_itself_and_for_no_other_of_its_set(name):
    names = json.loads(shared(f"data/visual_rft/eval_list_{name}.json").read_text())["classnames"]
    right = measure([(label, said(label)) for label in names], labels=names)
    shifted = measure([(label, said(names[place - 1])) for place, label in enumerate(names)], labels=names)
    assert (right.strict.value, right.closed_set.value) == (100.0, 100.0)
    assert (shifted.strict.value, shifted.closed_set.value) == (0.0, 0.0)
    assert len(shifted.confusions) == len(names)
