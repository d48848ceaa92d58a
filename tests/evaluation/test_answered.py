# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of finding the parquet that predictions answer, and of refusing those that answer something else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.answered import answered_parquet
from verl_visual_rft.evaluation.predictions import ExistenceStage, Prediction

SOURCE = Path("p.jsonl")


def prediction(index: int, image_id: str, task: str = "classification") -> Prediction:
    return Prediction(
        index=index,
        task=task,
        image_id=image_id,
        category="rose",
        category_id=0,
        width=8,
        height=8,
        ground_truth=json.dumps({"label": "rose"}),
        response="<answer>rose</answer>",
        response_tokens=3,
        finish_reason="stop",
        line=index + 1,
    )


def write_questions(path: Path, predictions: Sequence[Prediction]) -> None:
    rows = [
        {
            "images": [{"bytes": b"not looked at"}],
            "ability": answer.task,
            "reward_model": {"style": "rule", "ground_truth": answer.ground_truth},
            "extra_info": {
                key: getattr(answer, key) for key in ("index", "image_id", "category", "category_id", "width", "height")
            },
        }
        for answer in predictions
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)


VAL = [prediction(0, "a"), prediction(1, "b")]
TEST = [prediction(0, "c"), prediction(1, "d"), prediction(2, "e")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_questions(tmp_path / "val.parquet", VAL)
    write_questions(tmp_path / "test.parquet", TEST)
    write_questions(tmp_path / "sft_train.parquet", VAL)
    return tmp_path


@pytest.mark.parametrize(("answers", "name"), [(VAL, "val"), (TEST, "test"), (TEST[::-1], "test")])
def test_the_split_is_the_one_with_these_questions(data, answers, name):
    assert answered_parquet(data, answers, SOURCE) == data / f"{name}.parquet"
    assert answered_parquet(data / f"{name}.parquet", answers, SOURCE) == data / f"{name}.parquet"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (TEST[:2], r"1 of 3 classification questions of .*test\.parquet have no answer.* index 2 \(image e\)"),
        ([*VAL, prediction(7, "z")], r"line 8: .*val\.parquet has no classification question with index 7 \(image z\)"),
        ([prediction(0, "z"), VAL[1]], r"line 1: image_id of index 0 is 'z', in .*val\.parquet it is 'a'"),
        ([replace(VAL[0], category="tulip"), VAL[1]], "line 1: category of index 0 is 'tulip'"),
        ([replace(VAL[0], category_id=3), VAL[1]], "line 1: category_id of index 0 is 3"),
        ([replace(VAL[0], width=9), VAL[1]], "line 1: width of index 0 is 9"),
        ([replace(VAL[0], ground_truth='{"label": "tulip"}'), VAL[1]], "line 1: ground_truth of index 0 is"),
        ([prediction(0, "a", task="grounding")], "no grounding question with index 0"),
    ],
)
def test_answers_to_something_else_are_refused_with_the_reason(data, answers, message):
    with pytest.raises(UserError, match=r"^p\.jsonl: .*" + message):
        answered_parquet(data, answers, SOURCE)


def test_an_existence_stage_leaves_questions_out(data):
    answers = [TEST[0], TEST[2]]
    assert answered_parquet(data, answers, SOURCE, ExistenceStage("self", 3, 2, 1.0, 1.0)) == data / "test.parquet"
    with pytest.raises(UserError, match=r"2 answers, and the existence stage \(self\) let 3 questions through"):
        answered_parquet(data, answers, SOURCE, ExistenceStage("self", 3, 3, 1.0, 1.0))


def test_questions_of_another_task_may_stand_between(tmp_path):
    write_questions(tmp_path / "val.parquet", [prediction(0, "a"), prediction(1, "a", "grounding"), prediction(2, "b")])
    answers = [prediction(0, "a"), prediction(2, "b")]
    assert answered_parquet(tmp_path, answers, SOURCE) == tmp_path / "val.parquet"


def test_a_folder_without_questions_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match="no parquet in it"):
            answered_parquet(folder, VAL, SOURCE)
