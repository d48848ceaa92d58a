# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Hit rates, worked out by hand and against scipy's matching."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy.optimize import linear_sum_assignment

from verl_visual_rft.evaluation.coordinate_evidence import coordinate_warnings
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.results import ScoredAnswer, score_answers
from verl_visual_rft.tasks import load_task, make_sample
from verl_visual_rft.tasks.metrics import metrics_of
from verl_visual_rft.tasks.pointing.metrics import PointingMetrics, measure_pointing

SMALL, MEDIUM, LARGE = [0, 0, 50, 50], [100, 100, 200, 200], [500, 500, 900, 900]
IN_SMALL, IN_MEDIUM, IN_LARGE, OUTSIDE = (25, 25), (150, 150), (700, 700), (999, 0)
Points = list[tuple[float, float]]


def said(points: Points) -> str:
    listed = ", ".join(f'{{"point_2d": [{x}, {y}]}}' for x, y in points)
    return f"<think> there </think> <answer>{f'[{listed}]' if points else 'No Objects'}</answer>"


def scored(*answers: tuple[list[list[float]], str], size: tuple[int, int] = (640, 480)) -> list[ScoredAnswer]:
    """Scored answers (true boxes, response), a picture each."""
    predictions = [
        Prediction(
            index=index,
            task="pointing",
            image_id=str(index),
            category="the lamp",
            category_id=None,
            width=size[0],
            height=size[1],
            ground_truth=json.dumps({"targets": [{"box": box} for box in boxes]}),
            response=response,
            response_tokens=9,
            finish_reason="stop",
        )
        for index, (boxes, response) in enumerate(answers)
    ]
    return score_answers(predictions, "pointing", "robust", Path("p.jsonl"))


def values(metrics: PointingMetrics) -> dict[str, float | None]:
    return {name: None if figure is None else figure.value for name, figure in metrics.figures().items()}


def test_hit_rates_by_hand() -> None:
    metrics = measure_pointing(
        scored(
            ([SMALL, LARGE], said([IN_LARGE])),  # one of two
            ([SMALL], said([IN_SMALL, OUTSIDE])),  # a surplus point: half a hit
            ([MEDIUM], said([IN_MEDIUM])),
            ([MEDIUM], "nowhere"),
            ([], said([])),
            ([], said([OUTSIDE])),
        ),
        "robust",
    )
    assert (metrics.n, metrics.targets, metrics.answers.failed) == (6, 7, 1)
    assert values(metrics) == pytest.approx(
        {
            "hit_rate": 100 * 3.5 / 7,
            "hit_small": 100 * 0.5 / 2,
            "hit_medium": 100 * 1 / 2,
            "hit_large": 100,
            "no_target": 50,
            "all_hit": 100 * 2 / 6,
        }
    )
    for name, figure in metrics.figures().items():
        assert figure is not None and figure.low <= figure.value <= figure.high, name
    assert metrics.hit_small is not None and metrics.hit_small.n == 2
    output = io.StringIO()
    Console(file=output, width=200).print(metrics.table())
    assert "pointing, 6 questions, 7 targets" in output.getvalue() and "1 of 6 answers failed" in output.getvalue()
    content = json.loads(json.dumps(metrics.to_dict()))
    assert (content["task"], content["hit_rate"]["value"], content["outcomes"]["no_answer"]) == ("pointing", 50.0, 1)
    assert set(metrics_of(load_task("pointing")).columns) <= content.keys()


def test_of_one_target_and_one_point_the_hit_rate_is_the_accuracy_of_clicks() -> None:
    rng = random.Random(0)
    answers, hits = [], []
    for _ in range(60):
        x, y = rng.randint(0, 800), rng.randint(0, 800)
        point = (x + rng.randint(-100, 300), y + rng.randint(-100, 300))
        inside = x <= point[0] <= x + 200 and y <= point[1] <= y + 200
        valid = -10 <= min(point) and max(point) <= 1010
        answers.append(([[x, y, x + 200, y + 200]], said([point])))
        hits.append(inside and valid)
    metrics = measure_pointing(scored(*answers), "robust")
    assert metrics.hit_rate.value == metrics.all_hit.value == pytest.approx(100 * sum(hits) / len(hits))
    assert values(metrics)["no_target"] is None


@pytest.mark.parametrize("seed", range(5))
def test_hits_are_those_of_scipys_assignment(seed: int) -> None:
    rng = random.Random(seed)
    answers, expected = [], []
    for _ in range(20):
        corners = [(rng.randint(0, 700), rng.randint(0, 700)) for _ in range(rng.randint(1, 6))]
        boxes: list[list[float]] = [[x, y, x + 300, y + 300] for x, y in corners]
        points = [(float(rng.randint(0, 1000)), float(rng.randint(0, 1000))) for _ in range(rng.randint(1, 9))]
        inside = np.array([[x1 <= x <= x2 and y1 <= y <= y2 for x, y in points] for x1, y1, x2, y2 in boxes], dtype=int)
        hits = inside[linear_sum_assignment(-inside)].sum()
        expected.append(hits * min(1, len(boxes) / len(points)))
        answers.append((boxes, said(points)))
    targets = sum(len(boxes) for boxes, _ in answers)
    assert measure_pointing(scored(*answers), "robust").hit_rate.value == pytest.approx(100 * sum(expected) / targets)


def test_a_flood_hits_next_to_nothing() -> None:
    grid = [(x, y) for x in range(25, 1000, 50) for y in range(25, 1000, 50)]
    metrics = measure_pointing(scored(([SMALL], said(grid))), "robust")
    assert 0 < metrics.hit_rate.value < 1


def test_the_gold_answer_measures_100_and_quick_figures_are_those_of_eval() -> None:
    task = load_task("pointing")
    truths: list[list[list[float]]] = [[SMALL, LARGE], [MEDIUM], []]
    gold = [
        make_sample("pointing", "", {"targets": [{"box": box} for box in boxes]}).truth.solution for boxes in truths
    ]
    answers = scored(*zip(truths, gold, strict=True), ([LARGE, MEDIUM], said([IN_MEDIUM, OUTSIDE])))
    assert all(value == 100 for value in values(measure_pointing(answers[:3], "robust")).values())
    metrics = measure_pointing(answers, "robust")
    quick = metrics_of(task).quick([("", item.sample) for item in answers])
    assert next(iter(quick)) == next(iter(task.quick))
    assert quick == {"hit_rate": pytest.approx(metrics.hit_rate.value), "all_hit": metrics.all_hit.value}


def pixels_of(boxes: list[Any], size: tuple[int, int]) -> list[ScoredAnswer]:
    """Answers that point at the middle of each box in pixels of the picture."""
    centres = [((x1 + x2) / 2000 * size[0], (y1 + y2) / 2000 * size[1]) for x1, y1, x2, y2 in boxes]
    return scored(*(([box], said([centre])) for box, centre in zip(boxes, centres, strict=True)), size=size)


def test_points_in_other_coordinates_are_told_by_the_evidence() -> None:
    rng = random.Random(0)
    corners = [(rng.randint(200, 800), rng.randint(200, 800)) for _ in range(30)]
    boxes = [[x, y, x + 100, y + 100] for x, y in corners]
    (warning,) = coordinate_warnings(pixels_of(boxes, (640, 480)))
    assert warning.startswith("read as pixels of the picture, the points hit 100.0% of 30 objects")
    beyond, read_as = measure_pointing(pixels_of(boxes, (4000, 3000)), "robust").warnings
    assert "beyond 1000, so their points are invalid" in beyond and "pixels of the picture" in read_as
    assert coordinate_warnings(pixels_of(boxes, (1000, 1000))) == ()
