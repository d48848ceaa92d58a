# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import score
from verl_visual_rft.tasks import read_truth, task_names
from verl_visual_rft.tasks.classification import ClassificationTruth
from verl_visual_rft.tasks.detection import DetectionTruth
from verl_visual_rft.tasks.grounding import GroundingTruth

BOXES = [[100, 150, 300, 350], [500.5, 500, 600, 600]]
DETECTION = DetectionTruth(((100, 150, 300, 350), (500.5, 500, 600, 600)))
ROSE = ClassificationTruth("rose", ("rose", "tulip"), {"rose": ("rosa",)})
PIXELS = {"box": [0, 0, 1400, 700], "extent": [1400, 896]}


@pytest.mark.parametrize(
    ("task", "ground_truth", "truth"),
    [
        ("detection", {"boxes": BOXES}, DETECTION),
        ("detection", json.dumps({"boxes": BOXES}), DETECTION),
        ("detection", {"boxes": tuple(map(tuple, BOXES))}, DETECTION),
        ("detection", DETECTION.solution, DETECTION),
        ("detection", '{"boxes": []}', DetectionTruth(())),
        ("detection", "<answer>No Objects</answer>", DetectionTruth(())),
        ("classification", '{"label": "rose"}', ClassificationTruth("rose")),
        ("classification", {"label": "rose", "labels": ["rose", "tulip"], "aliases": {"rose": ["rosa"]}}, ROSE),
        ("classification", "<answer>rose</answer>", ClassificationTruth("rose")),
        ("grounding", {"box": [400, 400, 600, 600]}, GroundingTruth(((400, 400, 600, 600),))),
        ("grounding", "<answer> (400,400),(600,600) </answer>", GroundingTruth(((400, 400, 600, 600),))),
        ("grounding", json.dumps(PIXELS), GroundingTruth(((0, 0, 1400, 700),), (1400, 896))),
        ("detection", '{"boxes": [], "think": false}', DetectionTruth((), think=False)),
        ("classification", {"label": "rose", "think": False}, ClassificationTruth("rose", think=False)),
        ("grounding", {"box": [0, 0, 1, 1], "think": True}, GroundingTruth(((0, 0, 1, 1),))),
    ],
)
def test_forms(task: str, ground_truth: object, truth: object) -> None:
    assert read_truth(task, ground_truth) == truth  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("truth", "solution"),
    [
        (DETECTION, "<answer>[{'Position': [100, 150, 300, 350], 'Confidence': 1}, "
                    "{'Position': [500.5, 500, 600, 600], 'Confidence': 1}]</answer>"),
        (DetectionTruth(()), "<answer>No Objects</answer>"),
        (ROSE, "<answer>rose</answer>"),
        (GroundingTruth(((400, 400, 600, 600),)), "<answer> (400,400),(600,600) </answer>"),
    ],
)  # fmt: skip
def test_published_notation(truth: DetectionTruth, solution: str) -> None:
    assert truth.solution == solution


NEVER = ["", "null", "[]", "{}", {}, None, "[" * 9999, "3"]


@pytest.mark.parametrize(
    ("task", "ground_truth"),
    [(task, bad) for task in task_names() for bad in NEVER]
    + [("detection", bad) for bad in ("cat", '{"boxes": null}', '{"boxes": "none"}', '{"box": [1, 2, 3, 4]}')]
    + [("detection", {"boxes": [box]}) for box in ([1, 2, 3], [3, 2, 1, 4], [1, 2, 3, 1001], [-1, 2, 3, 4], 5, "1234")]
    + [("detection", {"boxes": [box]}) for box in (["1", "2", "3", "4"], [1, 2, 3, math.nan], [True, 2, 3, 4])]
    + [("detection", "<answer>[{'Position': [3, 2, 1, 4], 'Confidence': 1}]</answer>")]
    + [("detection", text) for text in ("<answer>cat</answer>", "<answer></answer>")]
    + [("classification", {"label": label}) for label in ("", "  ", 3, None, ["rose"])]
    + [("classification", {"label": "rose", "labels": labels}) for labels in ("rose", 3, ["tulip"], ["rose", ""])]
    + [("classification", {"label": "rose", "aliases": aliases}) for aliases in (["rosa"], {"rose": "rosa"}, 3)]
    + [("classification", {"label": "rose", "labels": labels}) for labels in (["rose", "Roses"], ["rose", "..."])]
    + [("classification", {"label": "rose", "aliases": {"tulip": ["tulipa"]}})]
    + [("classification", "<answer></answer>"), ("classification", "rose")]
    + [("grounding", {"box": box}) for box in (None, [], [1, 2, 3], [3, 2, 1, 4], [0, 0, 1, 1001])]
    + [("grounding", text) for text in ("<answer>(4,4),(2,2)</answer>", "<answer>(1,2),(3,4),(5,6),(2,8)</answer>")]
    + [("grounding", {"box": [0, 0, 1, 1], "extent": extent}) for extent in (5, [1], [0, 1], [1, math.inf], "ab")]
    + [("grounding", {"box": [0, 0, 1, 1], "think": think}) for think in (None, 0, "no")],
)
def test_what_cannot_be_read_is_an_error_with_a_remedy(task: str, ground_truth: object) -> None:
    with pytest.raises(UserError, match="ground truth .*give "):
        read_truth(task, ground_truth)  # type: ignore[arg-type]


def test_an_unknown_task_lists_the_known_ones() -> None:
    with pytest.raises(
        UserError,
        match=r"unknown task 'detektion' \(did you mean 'detection'\?\): use one of detection, classification",
    ):
        read_truth("detektion", "{}")


SPACES = {
    "detection": {"boxes": []},
    "grounding": {"box": [0, 0, 1, 1]},
    "pointing": {"targets": []},
    "labelled_detection": {"categories": ["cup"], "objects": []},
}


@pytest.mark.parametrize("task", SPACES)
@pytest.mark.parametrize("end", [1e308, 1.8e308, 1e155, 1e10, 10**400, 1e-7, 5e-324, 0, -1, math.nan])
def test_an_extent_that_nothing_can_be_reckoned_with_is_refused(task: str, end: float) -> None:
    for extent in ([end, 1000], [1000, end]):
        with pytest.raises(UserError, match="'extent' that is not two positive numbers from 1e-06 to 1e"):
            read_truth(task, SPACES[task] | {"extent": extent})


@pytest.mark.parametrize("reward", ["robust", "giou=1", "diou=1", "ciou=1", "l1=1", "iou=1"])
@pytest.mark.parametrize("end", [1e-6, 1e-3, 1, 1000, 1e6, 1e9])
@pytest.mark.parametrize("task", ["detection", "grounding"])
def test_rewards_are_finite_and_in_their_range_at_both_ends(task: str, end: float, reward: str) -> None:
    box, far = [0, 0, end / 2, end / 2], [0.75 * end, 0.75 * end, end, end]
    truth = {"boxes": [box]} if task == "detection" else {"box": box}
    for answered in (box, far):
        response = f"<think> red </think> <answer>[{json.dumps({'bbox_2d': answered})}]</answer>"
        for name, value in score(task, response, truth | {"extent": [end, end]}, reward).items():
            assert math.isfinite(value) and (name.startswith("n_") or -1 <= value <= 3), (name, value)
