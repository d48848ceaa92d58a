# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A counting question from a line of JSON to its row, and what is said of lines that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from commands import data_prep, visual_rft
from PIL import Image

from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.prompts import PLACEHOLDER
from verl_visual_rft.tasks.counting.prompt import counting_prompt


def write(folder: Path, *lines: dict[str, Any]) -> Path:
    for number in range(3):
        Image.new("RGB", (100, 50), (80 * number, 80, 160)).save(folder / f"{number}.png")
    path = folder / "own.jsonl"
    path.write_text("\n".join(json.dumps({"task": "counting", **line}) for line in lines))
    return path


def prepare(folder: Path, *arguments: object) -> list[dict[str, Any]]:
    lines = write(
        folder,
        {"image": "0.png", "category": "cup", "count": 3},
        {"image": "0.png", "category": "hot dog", "count": 0, "reward": "exact"},
        {"image": "1.png", "category": "cup", "count": 1200},
    )
    done = data_prep("custom.py", "--jsonl", lines, "--out", folder / "data", *arguments)
    assert done.returncode == 0, done.stderr
    assert validate(sorted((folder / "data").glob("*.parquet"))) == []
    rows: list[dict[str, Any]] = pq.read_table(folder / "data/sft_train.parquet").to_pylist()
    return rows


@pytest.mark.parametrize("family", ["qwen2-vl", "qwen2.5-vl"])
@pytest.mark.parametrize("think", [True, False])
def test_a_line_becomes_a_row(tmp_path: Path, family: str, think: bool) -> None:
    rows = prepare(tmp_path, "--family", family, *([] if think else ["--no-think"]))
    assert [row["ability"] for row in rows] == ["counting"] * 3
    truth = {"count": 3, "category": "cup"} | ({} if think else {"think": False})
    assert json.loads(rows[0]["reward_model"]["ground_truth"]) == truth
    assert rows[0]["prompt"][0]["content"] == "<image>" + counting_prompt("cup", think)
    assert [row["messages"][-1]["content"] for row in rows] == [f"<answer>{n}</answer>" for n in (3, 0, 1200)]
    about = [(row["extra_info"]["category"], row["extra_info"]["reward"]) for row in rows]
    assert about == [("cup", None), ("hot dog", "exact"), ("cup", None)]


def test_a_thinking_target_says_what_is_true(tmp_path: Path) -> None:
    (row, *_) = prepare(tmp_path, "--sft-target", "reasoning")
    assert row["messages"][-1]["content"] == (
        "<think> I look for every cup in the image and count 3. </think> <answer>3</answer>"
    )


def test_rows_are_looked_at(tmp_path: Path) -> None:
    prepare(tmp_path)
    page = tmp_path / "view.html"
    done = visual_rft("data", "view", tmp_path / "data/train.parquet", "--out", page)
    assert done.returncode == 0 and "3 of &#39;cup&#39;" in page.read_text()
    inspected = visual_rft("data", "inspect", tmp_path / "data/train.parquet", COLUMNS="100")
    assert "1 of 3 counting rows" in inspected.stdout


@pytest.mark.parametrize("think", [True, False])
def test_the_prompt_asks_for_thinking_or_not_and_holds_no_placeholder(think: bool) -> None:
    prompt = counting_prompt("{odd} cat", think)
    assert ("<think>" in prompt) == think and "'{odd} cat'" in prompt
    assert not PLACEHOLDER.search(prompt)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": -1}, "line 1: 'count' is -1, not a whole number from 0 to"),
        ({"count": 2.5}, "line 1: 'count' is 2.5, not a whole number"),
        ({"count": "3"}, "line 1: 'count' is '3', not a whole number"),
        ({"count": True}, "line 1: 'count' is True, not a whole number"),
        ({"category": 3}, "line 1: 'category' is 3, not a text"),
        ({"boxes": []}, "line 1: unknown key 'boxes'; a counting line has image, task, category, count"),
        ({"category": "a <image>"}, "contains a placeholder"),
    ],
)
def test_what_is_no_question_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write(tmp_path, {"image": "0.png", "category": "cup", "count": 3} | changes)
    done = data_prep("custom.py", "--jsonl", path, "--out", tmp_path / "data")
    assert done.returncode == 2 and message in " ".join(done.stderr.split())


def test_two_truths_of_one_question_are_found(tmp_path: Path) -> None:
    lines = [{"image": "0.png", "category": "cup", "count": count} for count in (2, 3)]
    first, second = (tmp_path / name for name in ("first", "second"))
    for folder, line in zip((first, second), lines, strict=True):
        folder.mkdir()
        think = [] if folder == first else ["--no-think"]
        done = data_prep("custom.py", "--jsonl", write(folder, line), "--out", folder / "data", *think)
        assert done.returncode == 0, done.stderr
    found = validate([first / "data/train.parquet", second / "data/train.parquet"])
    assert [finding.key for finding in found] == ["reward_model.ground_truth"]
    assert "the truth is another there" in found[0].problem
