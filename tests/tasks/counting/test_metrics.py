# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the figures of counting, against numbers computed by hand and by NumPy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.results import Measured, score_answers
from verl_visual_rft.tasks import load_task, make_sample
from verl_visual_rft.tasks.counting.metrics import METRICS, measure_counting
from verl_visual_rft.tasks.metrics import metrics_of

#: Truth and answer of a picture each; errors 0, 1, 2, 0, 1 (none is right, nothing was read), 5 (nothing was read).
ANSWERS = [(3, "3"), (1, "2"), (12, "10"), (0, "No Objects"), (0, "?"), (5, "5 or 6")]


def measure(answers: Sequence[tuple[int, str]]) -> Measured:
    predictions = [
        Prediction(
            index=index,
            task="counting",
            image_id=f"{index}.jpg",
            category="cup",
            category_id=None,
            width=64,
            height=64,
            ground_truth=json.dumps({"count": count, "category": "cup"}),
            response=f"<think> I look. </think> <answer>{text}</answer>",
            response_tokens=9,
            finish_reason="stop",
        )
        for index, (count, text) in enumerate(answers)
    ]
    return measure_counting(score_answers(predictions, "counting", "robust", Path("p.jsonl")), "robust")


def test_figures_by_hand() -> None:
    metrics = measure(ANSWERS)
    exact, mae = metrics.figures()["exact"], metrics.figures()["mae"]
    assert exact is not None and mae is not None
    assert (exact.value, mae.value, exact.n, mae.n) == (pytest.approx(100 * 2 / 6), 9 / 6, 6, 6)
    assert exact.low < exact.value < exact.high and 0 < mae.low < mae.value < mae.high
    by_stratum = {name: (own["exact"].value, own["mae"].value, own["exact"].n) for name, own in metrics.strata.items()}
    assert by_stratum == {"0": (50, 0.5, 2), "1": (0, 1, 1), "2-4": (100, 0, 1), "5-9": (0, 5, 1), "10+": (0, 2, 1)}


def test_json_and_table_have_every_figure() -> None:
    metrics = measure(ANSWERS)
    content = metrics.to_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert (content["task"], content["n"], content["failed"], content["outcomes"]["malformed"]) == ("counting", 6, 2, 2)
    assert content["mae"]["value"] == 1.5 and content["strata"]["10+"]["mae"]["value"] == 2
    assert set(METRICS.columns) <= set(content)
    cells = [str(cell) for cell in metrics.table().columns[0].cells]
    assert cells[:2] == ["exact", "mae (no %)"] and "exact, 2-4" in cells


def test_an_interval_of_the_error_is_that_of_a_bootstrap_over_pictures() -> None:
    rng = np.random.default_rng(0)
    truths = rng.integers(1, 30, 300)
    answered = np.maximum(0, truths + rng.integers(-4, 5, 300))
    mae = measure([(int(n), str(a)) for n, a in zip(truths, answered, strict=True)]).figures()["mae"]
    assert mae is not None
    errors = np.abs(answered - truths)
    draws = errors[rng.integers(0, 300, (4000, 300))].mean(axis=1)
    assert mae.value == pytest.approx(errors.mean())
    assert (mae.low, mae.high) == pytest.approx(np.quantile(draws, [0.025, 0.975]).tolist(), abs=0.03)


def test_gold_answers_measure_100_and_no_error_quickly_and_in_full() -> None:
    counts = (0, 1, 4, 30)
    metrics = measure([(count, str(count)) for count in counts])
    exact, mae = metrics.figures()["exact"], metrics.figures()["mae"]
    assert exact is not None and mae is not None
    assert (exact.value, mae.value) == (100, 0) and metrics.answers.reward == 3
    samples = [("cup", make_sample("counting", f"<answer>{count}</answer>", {"count": count})) for count in counts]
    task = load_task("counting")
    quick = metrics_of(task).quick(samples)
    assert quick == {"count_accuracy": 100, "mae": 0} and next(iter(task.quick)) in quick
    missing = [("cup", make_sample("counting", "", {"count": count})) for count in counts]
    assert metrics_of(task).quick(missing) == {"count_accuracy": 0, "mae": 9}
