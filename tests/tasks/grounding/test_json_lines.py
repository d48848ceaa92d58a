# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From a line of JSON to a row, its check and its reward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.readers.jsonl import read_jsonl
from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.datasets.view import make_card
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import score
from verl_visual_rft.tasks.grounding.prompt import any_number_prompt, grounding_prompt
from verl_visual_rft.tasks.grounding.question import GroundingQuestion

LINE = {"task": "grounding", "instruction": "what one drinks from"}
ONE, TWO = [10, 20, 30, 40], [100, 0, 200, 50]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        Image.new("RGB", (200, 100), (60 * number, 80, 160)).save(tmp_path / f"{number}.png")
    return tmp_path


def read(folder: Path, *given: dict[str, Any]) -> tuple[GroundingQuestion, ...]:
    path = folder / "own.jsonl"
    lines = ({"image": f"{number}.png"} | LINE | keys for number, keys in enumerate(given, start=1))
    path.write_text("\n".join(map(json.dumps, lines)))
    questions = read_jsonl({"train": path}, "a", "b").splits["train"]
    assert all(isinstance(question, GroundingQuestion) for question in questions)
    return tuple(question for question in questions if isinstance(question, GroundingQuestion))


@pytest.mark.parametrize(
    ("given", "number", "any_number"),
    [
        ({"box": ONE}, 1, False),
        ({"box": [ONE]}, 1, False),
        ({"boxes": [ONE]}, 1, False),
        ({"boxes": [ONE, ONE]}, 1, False),  # annotated twice
        ({"boxes": []}, 0, True),
        ({"boxes": [ONE, TWO]}, 2, True),
        ({"box": [ONE, TWO]}, 2, True),
    ],
)
def test_lines(folder: Path, given: dict[str, Any], number: int, any_number: bool) -> None:
    (question,) = read(folder, given)
    assert (len(question.boxes), question.any_number) == (number, any_number)
    assert question.is_negative is not bool(number)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"box": []}, r"box \[\] is not four finite numbers"),
        ({"box": ONE, "boxes": [ONE, TWO]}, "unknown key 'boxes'"),
        ({"boxes": [ONE, [0, 0, 900, 9]]}, "reaches out of the picture"),
        ({"boxes": "all"}, "box 'all' is not four finite numbers"),
    ],
)
def test_what_is_no_question_is_said_with_its_line(folder: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"line 1: .*{message}"):
        read(folder, given)


def test_where_one_line_means_none_or_several_all_prompts_say_so(folder: Path) -> None:
    assert [question.any_number for question in read(folder, {"box": ONE}, {"box": TWO})] == [False, False]
    for other in ({"boxes": []}, {"boxes": [ONE, TWO]}):
        assert [question.any_number for question in read(folder, {"box": ONE}, other)] == [True, True]


@pytest.mark.parametrize("think", [True, False])
@pytest.mark.parametrize("family", ["qwen2-vl", "qwen2.5-vl"])
def test_rows_are_what_a_training_needs(folder: Path, think: bool, family: str) -> None:
    out = folder / "out"
    questions = read(folder, {"box": ONE}, {"boxes": []}, {"boxes": [ONE, TWO]})
    prepare(out, {"train": questions}, PrepareOptions(think=think, family=family), "cups", [])
    assert validate(sorted(out.glob("*.parquet"))) == []
    rows = pq.read_table(out / "sft_train.parquet").to_pylist()
    truths = [json.loads(row["reward_model"]["ground_truth"]) for row in rows]
    assert [len(truth["boxes"]) for truth in truths] == [1, 0, 2]
    prompt = any_number_prompt(LINE["instruction"], think, pixels=family == "qwen2.5-vl")
    for row, truth in zip(rows, truths, strict=True):
        question, target = (turn["content"] for turn in row["messages"])
        assert question == f"<image>{prompt}"
        thought = "<think> I look for what is meant. </think> " if think else ""
        assert score("grounding", thought + target, truth)["score"] == pytest.approx(2.5)
    assert rows[1]["messages"][1]["content"] == "<answer>No Objects</answer>"
    assert json.loads((out / "manifest.json").read_text())["counts"]["train"]["negatives"] == 1
    empty = make_card(1, rows[1])
    assert empty.truth == () and ("truth", "No Objects") in empty.facts
    assert len(make_card(2, rows[2]).truth) == 2


def test_rows_of_one_box_each_are_the_published_ones(folder: Path) -> None:
    prepare(folder / "out", {"train": read(folder, {"boxes": [ONE]})}, PrepareOptions(), "cups", [])
    (row,) = pq.read_table(folder / "out/train.parquet").to_pylist()
    assert row["prompt"][0]["content"] == f"<image>{grounding_prompt(LINE['instruction'])}"
    assert json.loads(row["reward_model"]["ground_truth"]) == {"box": [50, 200, 150, 400]}
