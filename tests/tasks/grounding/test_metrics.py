# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is measured where an instruction may mean nothing or several objects, worked out by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.report.summary import summarise, table_cells
from verl_visual_rft.evaluation.results import ScoredAnswer, score_answers
from verl_visual_rft.evaluation.tables.measured import Measurement
from verl_visual_rft.evaluation.training_log import TrainingLog
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.grounding.metrics.measure import GroundingMetrics, measure_grounding
from verl_visual_rft.tasks.grounding.prompt import written
from verl_visual_rft.tasks.metrics import metrics_of

LEFT, HALF, RIGHT = [0, 0, 100, 100], [0, 0, 100, 50], [500, 0, 600, 100]
ROWS = [
    ({"boxes": []}, []),
    ({"boxes": []}, [LEFT]),
    ({"boxes": []}, None),
    ({"boxes": [LEFT]}, [HALF]),
    ({"boxes": [LEFT]}, [LEFT, RIGHT]),
    ({"boxes": [LEFT, RIGHT]}, [RIGHT, HALF]),
    ({"boxes": [LEFT, RIGHT]}, [LEFT]),
]
PUBLISHED = [({"box": LEFT}, [HALF]), ({"box": LEFT}, [])]


def scored(rows: list[tuple[dict[str, Any], list[list[int]] | None]]) -> list[ScoredAnswer]:
    """Scored answers (truth, answered boxes, None for an answer that cannot be read), a picture each."""
    predictions = [
        Prediction(
            index=index,
            task="grounding",
            image_id=str(index),
            category="the lamps",
            category_id=None,
            width=640,
            height=480,
            ground_truth=json.dumps(truth),
            response=f"<think> a </think> <answer>{'the lamps' if boxes is None else written(boxes)}</answer>",
            response_tokens=9,
            finish_reason="stop",
        )
        for index, (truth, boxes) in enumerate(rows)
    ]
    return score_answers(predictions, "grounding", "robust", Path("p.jsonl"))


def measured(rows: list[tuple[dict[str, Any], list[list[int]] | None]]) -> GroundingMetrics:
    return measure_grounding(scored(rows), "robust", Path("none/val.parquet"))


def values(metrics: GroundingMetrics) -> dict[str, tuple[float, int]]:
    return {name: (figure.value, figure.n) for name, figure in metrics.figures().items() if figure}


def test_by_hand() -> None:
    metrics = measured(ROWS)
    assert values(metrics) == {
        "miou": (25, 2),
        "acc50": (50, 2),
        "pr_f1": (pytest.approx(100 * 3 / 7), 7),
        "n_acc": (pytest.approx(100 / 3), 3),
    }
    assert metrics.to_dict()["n_acc"]["n"] == 3
    output = io.StringIO()
    Console(file=output, width=100).print(metrics.table())
    assert "pr_f1" in output.getvalue() and "n_acc" in output.getvalue()


def test_of_rows_that_ask_for_one_box_there_are_the_figures_of_before_alone() -> None:
    metrics = measured(PUBLISHED)
    assert values(metrics) == {"miou": (25, 2), "acc50": (50, 2)}
    assert not {"pr_f1", "n_acc"} & metrics.to_dict().keys()


def test_where_no_instruction_means_one_object_there_is_no_mean_iou() -> None:
    content = measured(ROWS[:1]).to_dict()
    assert content["miou"] is content["acc50"] is None
    assert content["n_acc"]["value"] == content["pr_f1"]["value"] == 100


def test_while_a_run_trains_the_figures_are_the_same() -> None:
    for rows in (ROWS, PUBLISHED, ROWS[:1]):
        quick = metrics_of(load_task("grounding")).quick([("", item.sample) for item in scored(rows)])
        whole = {name: value for name, (value, _) in values(measured(rows)).items() if name != "acc50"}
        assert quick == pytest.approx(whole)


def test_the_table_has_their_columns_only_where_there_are_such_rows() -> None:
    def header(*rows: list[tuple[dict[str, Any], list[list[int]] | None]]) -> list[str]:
        methods = [
            Measurement(Path(f"{method}.json"), "run", method, "", json.loads(json.dumps(measured(asked).to_dict())))
            for method, asked in zip(("base", "rft"), rows, strict=True)
        ]
        return table_cells(summarise(methods, TrainingLog({}, 0), seed=0, seconds={}))[0]

    assert header(PUBLISHED, PUBLISHED) == ["method", "mIoU", "Acc@0.5", "gIoU", "cIoU", "mean reward", "format rate"]
    assert header(ROWS, ROWS)[5:7] == ["Pr@(F1=1)", "N-acc"]
