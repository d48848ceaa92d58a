# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A row with more objects, or words, than are read of one answer is left out, for no answer could say its truth."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from verl_visual_rft.boxes import Box
from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.readers.jsonl import read_jsonl
from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks import load_task, task_names
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.labelled_detection.question import LabelledQuestion
from verl_visual_rft.tasks.pointing.question import PointingQuestion
from verl_visual_rft.tasks.pointing.target import BoxTarget, DiscTarget, PolygonTarget
from verl_visual_rft.tasks.question import Picture, Question

SIZE, MOST = (400, 400), 300
RULE = "more objects than an answer may have: 300"


def png(colour: int = 90) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", SIZE, (colour, 80, 160)).save(data, "PNG")
    return data.getvalue()


def picture(number: int) -> Picture:
    return Picture(str(number), Path("none"), f"{number}.png", SIZE, data=png(number))


def boxes(number: int) -> tuple[Box, ...]:
    places = ((20 * (i % 20), 20 * (i // 20)) for i in range(number))
    return tuple((x, y, x + 10, y + 10) for x, y in places)


def disc(box: Box) -> DiscTarget:
    return DiscTarget((box[0] + 5, box[1] + 5), (4, 4))


def polygon(box: Box) -> PolygonTarget:
    x1, y1, x2, y2 = box
    return PolygonTarget(((x1, y1), (x2, y1), (x2, y2), (x1, y2)))


QUESTIONS: dict[str, Callable[[Picture, tuple[Box, ...]], Question]] = {
    "detection": lambda shown, there: DetectionQuestion(shown, "cup", 7, there),
    "grounding": lambda shown, there: GroundingQuestion(shown, "the cups", there, any_number=True),
    "labelled_detection": lambda shown, there: LabelledQuestion(shown, ("cup",), tuple((box, "cup") for box in there)),
    "pointing": lambda shown, there: PointingQuestion(shown, "the cups", tuple(map(BoxTarget, there))),
    "pointing, discs": lambda shown, there: PointingQuestion(shown, "the cups", tuple(map(disc, there))),
    "pointing, polygons": lambda shown, there: PointingQuestion(shown, "the cups", tuple(map(polygon, there))),
}


def test_every_task_with_answers_in_the_picture_is_asked_here() -> None:
    asked = {name.partition(",")[0] for name in QUESTIONS}
    assert {name for name in task_names() if load_task(name).coordinates} <= asked
    assert all((load_task(name).most_marks == MOST) is (name in asked) for name in task_names())


@pytest.mark.parametrize("family", ["qwen2-vl", "qwen2.5-vl"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_row_with_too_many_is_left_out_of_each_split_and_listed(tmp_path: Path, name: str, family: str) -> None:
    ask = QUESTIONS[name]
    splits = {
        "train": [ask(picture(1), boxes(MOST)), ask(picture(2), boxes(MOST + 1))],
        "val": [ask(picture(3), boxes(400)), ask(picture(4), boxes(1))],
    }
    manifest = prepare(tmp_path, splits, PrepareOptions(family=family), "cups", [])
    assert manifest["skips"][RULE]["count"] == 2
    where = " ".join(manifest["skips"][RULE]["where"])
    assert "train: 2.png, 'cup" in where or "train: 2.png, 'the cups'" in where
    assert [row["extra_info"]["image_id"] for row in pq.read_table(tmp_path / "train.parquet").to_pylist()] == ["1"]
    assert [row["extra_info"]["image_id"] for row in pq.read_table(tmp_path / "val.parquet").to_pylist()] == ["4"]
    assert validate(sorted(tmp_path.glob("*.parquet"))) == []  # the target of 300 is read back
    with pytest.raises(UserError, match=RULE):
        prepare(tmp_path, splits, PrepareOptions(family=family, strict=True), "cups", [])


def test_a_row_whose_answer_is_too_long_is_left_out_and_listed(tmp_path: Path) -> None:
    name = " ".join(["cup"] * 30)
    long, short = (
        LabelledQuestion(picture(number), (name,), tuple((box, name) for box in boxes(number))) for number in (250, 150)
    )
    manifest = prepare(tmp_path, {"train": [long, short]}, PrepareOptions(), "cups", [])
    rule = "an answer longer than is read: 32768 characters"
    assert {name: skip["count"] for name, skip in manifest["skips"].items()} == {rule: 1}
    assert validate(sorted(tmp_path.glob("*.parquet"))) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"task": "detection", "category": "cup", "boxes": boxes(MOST + 1)},
        {"task": "grounding", "instruction": "the cups", "boxes": boxes(MOST + 1)},
        {"task": "pointing", "instruction": "the cups", "targets": boxes(MOST + 1)},
        {
            "task": "labelled_detection",
            "categories": ["cup"],
            "objects": [{"bbox_2d": box, "label": "cup"} for box in boxes(MOST + 1)],
        },
    ],
)
def test_a_line_of_json_with_too_many_is_no_row(tmp_path: Path, asked: dict[str, Any]) -> None:
    (tmp_path / "1.png").write_bytes(png())
    (tmp_path / "own.jsonl").write_text(json.dumps({"image": "1.png"} | asked))
    questions = read_jsonl({"train": tmp_path / "own.jsonl"}, "a", "b").splits["train"]
    with pytest.raises(UserError):  # no row is left
        prepare(tmp_path / "out", {"train": questions}, PrepareOptions(), "cups", [])
    kept = QUESTIONS["detection"](picture(5), boxes(1))
    manifest = prepare(tmp_path / "out", {"train": [*questions, kept]}, PrepareOptions(), "cups", [])
    assert {rule: skip["count"] for rule, skip in manifest["skips"].items()} == {RULE: 1}


#: As they lie on the 0-1000 grid, from edge to edge.
SPREAD = tuple((2.5 * x1, 2.5 * y1, 2.5 * x2, 2.5 * y2) for x1, y1, x2, y2 in boxes(MOST + 1))


@pytest.mark.parametrize(
    ("task", "truth"),
    [
        ("detection", {"boxes": SPREAD}),
        ("grounding", {"boxes": SPREAD}),
        ("pointing", {"targets": [{"box": box} for box in SPREAD]}),
        (
            "labelled_detection",
            {"categories": ["cup"], "objects": [{"bbox_2d": box, "label": "cup"} for box in SPREAD]},
        ),
    ],
)
def test_a_row_of_others_with_too_many_is_one_finding(tmp_path: Path, task: str, truth: dict[str, Any]) -> None:
    prepare(tmp_path, {"train": [QUESTIONS[task](picture(1), boxes(MOST))]}, PrepareOptions(), "cups", [])
    table = pq.read_table(tmp_path / "sft_train.parquet")
    (row,) = table.to_pylist()
    row["reward_model"]["ground_truth"] = json.dumps(truth)
    changed = tmp_path / "changed.parquet"
    pq.write_table(table.from_pylist([row], table.schema), changed)
    (finding,) = validate([changed])
    assert (finding.key, finding.problem) == ("reward_model.ground_truth", f"has {RULE}")
    assert "leaves the row out" in finding.remedy
