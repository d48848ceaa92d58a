# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from verl_visual_rft.coordinates import from_thousandths, to_extent
from verl_visual_rft.evaluation.coordinate_evidence import coordinate_warnings
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.results import score_answers

SMALL, LARGE = (640, 480), (4000, 3000)
RESIZED = (644, 476)


def answers(
    size: tuple[int, int], write, n: int = 30, extent: tuple[int, int] | None = None, task: str = "detection"
) -> list:
    """Answers that are nearly right in coordinates of their own: ``write`` turns a box on the 0-1000 grid into them."""
    rng = np.random.default_rng(0)
    predictions = []
    for index in range(n):
        x1, y1 = rng.integers(0, 600, 2)
        box = (int(x1), int(y1), int(x1 + rng.integers(50, 390)), int(y1 + rng.integers(50, 390)))
        numbers = [round(float(value), 3) for value in write(box)]
        written = str([{"Position": numbers, "Confidence": 0.9}])
        true_box = to_extent(from_thousandths(box, size), size, extent) if extent else box
        truth = {"boxes": [true_box]}
        if task == "grounding":
            written, truth = "({},{}),({},{})".format(*numbers), {"box": true_box}
        truth |= {"extent": extent} if extent else {}
        predictions.append(
            Prediction(
                index=index,
                task=task,
                image_id=str(index),
                category="cat",
                category_id=1,
                width=size[0],
                height=size[1],
                ground_truth=json.dumps(truth),
                response=f"<think> a </think> <answer>{written}</answer>",
                response_tokens=9,
                finish_reason="stop",
            )
        )
    return score_answers(predictions, task, "robust", Path("predictions.jsonl"))


def in_pixels(size):
    return lambda box: from_thousandths(box, size)


def as_is(box):
    return box


def as_shares(box):
    return [value / 1000 for value in box]


@pytest.mark.parametrize("task", ["detection", "grounding"])
@pytest.mark.parametrize(
    ("size", "write", "extent", "evidence"),
    [
        (LARGE, in_pixels(LARGE), None, ["coordinates are beyond 1000", "read as pixels of the picture"]),
        (SMALL, in_pixels(SMALL), None, ["read as pixels of the picture"]),
        (SMALL, as_shares, None, ["read as shares of 1"]),
        (SMALL, as_is, RESIZED, ["coordinates are outside the resized picture", "read as the 0-1000 grid"]),
    ],
)
def test_other_coordinates_are_told_by_the_evidence(size, write, extent, evidence, task):
    warnings = coordinate_warnings(answers(size, write, extent=extent, task=task))
    assert len(warnings) == len(evidence)
    for warning, part in zip(warnings, evidence, strict=True):
        assert part in warning
        assert "--family" in warning


@pytest.mark.parametrize("task", ["detection", "grounding"])
@pytest.mark.parametrize("size", [SMALL, LARGE, (1000, 1000)])
def test_the_right_coordinates_need_no_warning(size, task):
    assert coordinate_warnings(answers(size, as_is, task=task)) == ()


def test_share_beyond_the_grid_is_a_figure():
    def half_beyond(box):
        return (box[0], box[1], box[2] + 1000, box[3] + 1000)

    (warning,) = coordinate_warnings(answers(SMALL, half_beyond, n=5))
    assert warning.startswith("50.0% of 20 coordinates are beyond 1000")


def test_a_few_lucky_boxes_are_no_evidence():
    assert coordinate_warnings(answers(SMALL, in_pixels(SMALL), n=10)) == ()


def test_infinite_coordinates_are_not_counted():
    scored = answers(SMALL, as_is, n=1)
    (item,) = score_answers(
        [
            Prediction(
                **{
                    **vars(scored[0].prediction),
                    "response": "<answer>[{'Position': [0, 0, Infinity, 1e999], 'Confidence': 1}]</answer>",
                }
            )
        ],
        "detection",
        "robust",
        Path("predictions.jsonl"),
    )
    assert coordinate_warnings([item]) == ()
