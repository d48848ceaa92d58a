# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From a line of JSON to a row, its check, its page and its reward."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.readers.jsonl import read_jsonl
from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.datasets.view import make_card, write_view
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import score
from verl_visual_rft.tasks.marks import Shape
from verl_visual_rft.tasks.pointing.question import PointingQuestion
from verl_visual_rft.tasks.pointing.target import BoxTarget, DiscTarget, PolygonTarget, Target

SIZE = (200, 100)
LINE = {"image": "1.png", "task": "pointing", "instruction": "close the window"}
BOX = BoxTarget((10, 20, 30, 40))
TARGETS = [
    {"box": [10, 20, 30, 40]},
    {"polygon": [[100, 0], [200, 0], [200, 50]]},
    {"point": [150, 80], "radius": 5},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2):
        Image.new("RGB", SIZE, (90 * number, 80, 160)).save(tmp_path / f"{number}.png")
    return tmp_path


def read(folder: Path, *lines: dict[str, Any]) -> tuple[PointingQuestion, ...]:
    path = folder / "own.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    questions = read_jsonl({"train": path}, "a", "b").splits["train"]
    assert all(isinstance(question, PointingQuestion) for question in questions)
    return tuple(question for question in questions if isinstance(question, PointingQuestion))


@pytest.mark.parametrize(
    ("given", "targets"),
    [
        ({"targets": []}, ()),
        ({"targets": [{"box": [10, 20, 30, 40]}]}, (BOX,)),
        ({"targets": {"box": [10, 20, 30, 40]}}, (BOX,)),
        ({"targets": [[10, 20, 30, 40]]}, (BOX,)),
        ({"box": [10, 20, 30, 40]}, (BOX,)),
        ({"boxes": [[10, 20, 30, 40], [0, 0, 9, 9]]}, (BOX, BoxTarget((0, 0, 9, 9)))),
        ({"boxes": [[10, 20, 30, 40], [10, 20, 30, 40]]}, (BOX,)),
        ({"boxes": [[-0.5, 20, 30, 40]]}, (BoxTarget((0, 20, 30, 40)),)),
        ({"targets": {"point": [150, 80], "radius": 5}}, (DiscTarget((150, 80), (5, 5)),)),
        (
            {"targets": TARGETS},
            (BOX, PolygonTarget(((100, 0), (200, 0), (200, 50))), DiscTarget((150, 80), (5, 5))),
        ),
    ],
)
def test_lines(folder: Path, given: dict[str, Any], targets: tuple[Target, ...]) -> None:
    (question,) = read(folder, LINE | given)
    assert (question.instruction, question.targets, question.subject) == (
        "close the window",
        targets,
        "close the window",
    )
    assert question.is_negative is not bool(targets)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "line 1: no key 'targets'; a pointing line has image, task, instruction, targets"),
        ({"targets": [], "label": "a"}, "unknown key 'label'"),
        ({"targets": "all"}, "target 'all' is none: give {\"box\""),
        ({"targets": [{"circle": 3}]}, "target {'circle': 3} is none"),
        ({"targets": [{"box": [10, 20, 300, 40]}]}, "reaches out of the picture"),
        ({"targets": [{"box": 4}]}, "box 4 is not four finite numbers"),
        ({"targets": [{"point": [150, 80]}]}, "is none: give"),
        ({"targets": [{"point": [150, 180], "radius": 5}]}, "point [150, 180] lies outside the picture, 200x100"),
        ({"targets": [{"point": ["150", 80], "radius": 5}]}, "is not a list of points"),
        ({"targets": [{"point": [150, 80], "radius": 0}]}, "'radius' is 0, not a number of pixels above 0"),
        ({"targets": [{"polygon": [[0, 0], [9, 9]]}]}, "three vertices or more"),
        ({"targets": [{"polygon": [[0, 0], [9, 9], [4, 4]]}]}, "has no area"),
        ({"targets": [{"polygon": 7}]}, "7 is not a list of points"),
        ({"targets": [TARGETS[2], TARGETS[2]]}, "has the same target twice"),
        ({"targets": [{"point": [0.5, 0.4], "radius": 0.1}]}, "one that lies in one pixel; points are in pixels"),
        ({"targets": [TARGETS[0], {"point": [0.5, 0.5], "radius": 0.5}]}, "one that lies in one pixel"),
        ({"targets": [{"polygon": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.4]]}]}, "one that lies in one pixel"),
        ({"targets": [{"polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}]}, "one that lies in one pixel"),
        ({"targets": [{"box": [0.1, 0.2, 0.5, 0.6]}]}, "lies in one pixel; boxes are in pixels"),
        ({"targets": [], "instruction": " "}, "'instruction' is ' ', not a text"),
    ],
)
def test_what_is_no_question_is_said_with_its_line(folder: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        read(folder, LINE | given)


@pytest.mark.parametrize(
    ("target", "count", "refused"),
    [
        ({"polygon": [[0, 0], [100, 0], [100, 50]]}, 20, True),
        ({"polygon": [[0, 0], [100, 0], [100, 50]]}, 19, False),
        ({"polygon": [[0, 0], [101, 0], [100, 50]]}, 20, False),
        ({"point": [100, 50], "radius": 5}, 20, True),
        ({"point": [10, 5], "radius": 5}, 5, True),
        ({"box": [0, 0, 100, 50]}, 20, True),
    ],
)
def test_targets_of_a_smaller_picture_are_refused(
    folder: Path, target: dict[str, Any], count: int, refused: bool
) -> None:
    lines = [LINE | {"instruction": str(number), "targets": [target]} for number in range(count)]
    if not refused:
        assert len(read(folder, *lines)) == count
        return
    with pytest.raises(UserError, match=rf"own\.jsonl: .*all {count} .*lie within .*--bbox xyxy if they are right"):
        read(folder, *lines)
    assert len(read_jsonl({"train": folder / "own.jsonl"}, "a", "b", bbox="xyxy").splits["train"]) == count


@pytest.mark.parametrize("think", [True, False])
@pytest.mark.parametrize("family", ["qwen2-vl", "qwen2.5-vl"])
def test_rows_are_what_a_training_needs(folder: Path, think: bool, family: str) -> None:
    lines = [LINE | {"targets": TARGETS}, LINE | {"image": "2.png", "targets": []}]
    out = folder / "out"
    prepare(out, {"train": read(folder, *lines)}, PrepareOptions(think=think, family=family), "clicks", [])
    assert validate(sorted(out.glob("*.parquet"))) == []
    several, nothing = pq.read_table(out / "sft_train.parquet").to_pylist()
    x, y = (1000, 1000) if family == "qwen2-vl" else (196, 112)
    truth = json.loads(several["reward_model"]["ground_truth"])
    assert truth["targets"] == [
        {"box": [pytest.approx(value, abs=0.01) for value in (0.05 * x, 0.2 * y, 0.15 * x, 0.4 * y)]},
        {"polygon": [[0.5 * x, 0.0], [x, 0.0], [x, 0.5 * y]]},
        {"point": [0.75 * x, pytest.approx(0.8 * y)], "radius": [pytest.approx(0.025 * x), pytest.approx(0.05 * y)]},
    ]
    assert truth.get("extent", [1000, 1000]) == [x, y] and truth.get("think", True) is think
    assert json.loads(nothing["reward_model"]["ground_truth"])["targets"] == []
    assert nothing["messages"][1]["content"] == "<answer>No Objects</answer>"
    for row in (several, nothing):
        assert row["ability"] == "pointing" and row["extra_info"]["category"] == "close the window"
        question, target = (turn["content"] for turn in row["messages"])
        assert ("in pixels" in question) is (family == "qwen2.5-vl") and question.startswith("<image>Point to")
        thought = "<think> I look for what is meant. </think> " if think else ""
        full = score("pointing", thought + target, row["reward_model"]["ground_truth"])
        assert full["score"] == pytest.approx(2.5)


def test_a_page_shows_the_targets(folder: Path) -> None:
    out = folder / "out"
    questions = read(folder, LINE | {"targets": TARGETS}, LINE | {"image": "2.png", "targets": []})
    prepare(out, {"train": questions}, PrepareOptions(), "clicks", [])
    rows = pq.read_table(out / "train.parquet").to_pylist()
    card, empty = (make_card(position, row) for position, row in enumerate(rows))
    assert (card.task, card.title, card.category, card.problem) == ("pointing", "close the window", "", "")
    box, polygon, disc = card.truth
    assert [mark.shape for mark in card.truth] == [Shape.BOX, Shape.POLYGON, Shape.POLYGON]
    assert box.points == ((10, 20), (30, 40)) and polygon.path == "M100 0L200 0L200 50z"
    assert all(abs(((x - 150) ** 2 + (y - 80) ** 2) ** 0.5 - 5) < 0.2 for x, y in disc.points)
    assert empty.truth == () and ("truth", "No Objects") in empty.facts
    write_view(out / "train.parquet", out / "page.html")
    page = (out / "page.html").read_text()
    assert polygon.path in page and "close the window" in page
