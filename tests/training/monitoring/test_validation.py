# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of the task while a run trains, against those of `visual-rft eval`."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from task_package import lay_task

from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.prepared import PreparedTruth
from verl_visual_rft.evaluation.results import score_answers
from verl_visual_rft.tasks.detection.metrics.measure import measure_detection
from verl_visual_rft.training.monitoring.validation import ValidationQuestion, read_questions, task_metrics


def answered(*boxes):
    listed = ", ".join(f"{{'Position': {list(box)}, 'Confidence': {c}}}" for box, c in boxes)
    return f"<think> t </think> <answer>[{listed}]</answer>"


def detection(category, *boxes):
    return ValidationQuestion("coco", "detection", category, json.dumps({"boxes": boxes}))


CAT, DOG = [100, 100, 300, 300], [500, 500, 900, 900]


def test_ap_is_the_mean_over_categories_with_objects():
    questions = [detection("cat", CAT), detection("dog", DOG), detection("absent")]
    responses = [[answered((CAT, 0.9))], [answered((CAT, 0.9))], ["<answer>No Objects</answer>"]]
    metrics = task_metrics(questions, responses)
    assert metrics == {"val/coco/ap": 50, "val/coco/ap50": 50, "val/coco/ap75": 50, "val/coco/missing": 0}


def test_a_failed_session_is_a_miss():
    metrics = task_metrics([detection("cat", CAT), detection("cat", CAT)], [[answered((CAT, 0.9))], [None]])
    # Recall 0.5: 51 of the 101 recall points.
    assert metrics["val/coco/ap"] == pytest.approx(100 * 51 / 101)
    assert metrics["val/coco/missing"] == 50


def test_several_responses_to_a_question_are_measured_one_by_one():
    metrics = task_metrics([detection("cat", CAT)], [[answered((CAT, 0.9)), "nothing", None, answered((CAT, 0.1))]])
    assert (metrics["val/coco/ap"], metrics["val/coco/missing"]) == (50, 25)


def test_tasks_and_sources_are_kept_apart():
    questions = [
        ValidationQuestion("pets", "classification", "", {"label": "pug", "labels": ["pug", "beagle"]}),
        ValidationQuestion("pets", "classification", "", {"label": "beagle", "labels": ["pug", "beagle"]}),
        ValidationQuestion("lisa", "grounding", "", {"box": [0, 0, 100, 100]}),
        ValidationQuestion("lisa", "grounding", "", {"box": [0, 0, 100, 100]}),
    ]
    responses = [
        ["<answer>Pug</answer>"],
        ["<answer>pug or beagle</answer>"],
        ["<answer>(0,0),(100,50)</answer>"],
        [""],
    ]
    assert task_metrics(questions, responses) == {
        "val/lisa/miou": pytest.approx(25),
        "val/lisa/missing": 0,
        "val/pets/accuracy": 50,
        "val/pets/missing": 0,
    }


def test_no_objects_at_all_give_no_ap():
    assert task_metrics([detection("cat")], [["<answer>No Objects</answer>"]]) == {"val/coco/missing": 0}


def test_questions_are_read_from_rows():
    row = {
        "data_source": "coco",
        "ability": "detection",
        "reward_model": {"ground_truth": "{}"},
        "extra_info": {"category": "cat"},
    }
    assert read_questions([row, row | {"extra_info": None}]) == [
        ValidationQuestion("coco", "detection", "cat", "{}"),
        ValidationQuestion("coco", "detection", "", "{}"),
    ]


SIDE = 1000  # of the pictures: pixels are the grid, and no rounding moves an IoU over a threshold
corners = st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(1, 5)] * 2).map(
    lambda c: [c[0] * 60, c[1] * 60, c[0] * 60 + c[2] * 60, c[1] * 60 + c[3] * 60]
)
asked = st.tuples(
    st.sampled_from(["cat", "dog"]),
    st.lists(corners, max_size=3),
    st.lists(st.tuples(corners, st.sampled_from([0.1, 0.5, 0.5, 0.9])), max_size=4),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(asked, min_size=1, max_size=12).filter(lambda items: any(boxes for _, boxes, _ in items)))
def test_ap_equals_the_evaluation_of_the_same_responses(items):
    questions = [detection(category, *boxes) for category, boxes, _ in items]
    responses = [answered(*boxes) for _, _, boxes in items]
    ids = {"cat": 1, "dog": 2}
    annotations = {
        "images": [{"id": number, "width": SIDE, "height": SIDE} for number in range(len(items))],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [
            {
                "id": n,
                "image_id": image,
                "category_id": ids[category],
                "bbox": pixels(box),
                "area": 1.0,
                "iscrowd": 0,
            }
            for n, (image, category, box) in enumerate(
                (number, category, box) for number, (category, boxes, _) in enumerate(items) for box in boxes
            )
        ],
    }
    predictions = [
        Prediction(
            index=number,
            image_id=str(number),
            category=question.category,
            category_id=ids[question.category],
            width=SIDE,
            height=SIDE,
            ground_truth=question.ground_truth,
            response=response,
            response_tokens=None,
            finish_reason="stop",
        )
        for number, (question, response) in enumerate(zip(questions, responses, strict=True))
    ]
    truth = PreparedTruth(annotations, {"base": ("cat", "dog"), "novel": ()})
    group = measure_detection(score_answers(predictions, "detection", "robust", None), truth, "robust").groups["all"]
    metrics = task_metrics(questions, [[response] for response in responses])
    assert metrics["val/coco/ap"] == pytest.approx(group.ap)
    assert metrics["val/coco/ap50"] == pytest.approx(group.ap50)
    assert metrics["val/coco/ap75"] == pytest.approx(group.ap75)


def pixels(box):
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]


def test_two_tasks_of_one_data_set_with_metrics_of_one_name_keep_both(fresh_registry, tmp_path, monkeypatch):
    name = lay_task(tmp_path, monkeypatch)
    asked = [
        ValidationQuestion("own", "classification", "", {"label": "pug"}),
        ValidationQuestion("own", name, "", {"right": "yes"}),
    ]
    metrics = task_metrics(asked, [["<answer>pug</answer>"], ["<answer>no</answer>"]])
    assert metrics == {"val/own/accuracy": 100.0, f"val/own.{name}/accuracy": 0.0, "val/own/missing": 0.0}
