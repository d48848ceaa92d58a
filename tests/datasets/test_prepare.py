# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the pipeline of all tasks: questions in, folder out."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from verl_visual_rft.coordinates import from_extent
from verl_visual_rft.datasets import prepare as pipeline
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.tasks import read_truth
from verl_visual_rft.tasks.classification.prompt import classification_prompt
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet
from verl_visual_rft.tasks.detection.prompt import detection_prompt
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.grounding.prompt import grounding_prompt
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.question import Picture, Question

SIZE = (200, 100)
CLASSES = ClassSet(
    ("BAE 146-200", "F-16A/B", "Çessna 172"), "an aircraft", "the model of the aircraft", {"F-16A/B": ("Falcon",)}
)


def picture(number: int, colour: str = "teal", **changes: Any) -> Picture:
    buffer = io.BytesIO()
    Image.new("RGB", SIZE, colour).save(buffer, "JPEG", comment=str(number))
    plain = Picture(str(number), Path("none"), f"jpg/{number}.jpg", SIZE, data=buffer.getvalue())
    return replace(plain, **changes)


def detection(number: int, *boxes: tuple[float, float, float, float]) -> DetectionQuestion:
    return DetectionQuestion(picture(number), "cat", 7, boxes)


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


TASKS: list[tuple[Question, str, dict[str, Any], str, tuple[str, int | None]]] = [
    (
        detection(1, (0, 0, 100, 50), (20, 10, 30, 20)),
        detection_prompt("cat"),
        {"boxes": [[0, 0, 500, 500], [100, 100, 150, 200]]},
        "<answer>[{'Position': [0, 0, 500, 500], 'Confidence': 1.00}, "
        "{'Position': [100, 100, 150, 200], 'Confidence': 1.00}]</answer>",
        ("cat", 7),
    ),
    (detection(1), detection_prompt("cat"), {"boxes": []}, "<answer>No Objects</answer>", ("cat", 7)),
    (
        ClassificationQuestion(picture(1), 1, CLASSES),
        classification_prompt("an aircraft", "the model of the aircraft"),
        {"label": "F-16A/B", "labels": [*CLASSES.names], "aliases": {"F-16A/B": ["Falcon"]}},
        "<answer>F-16A/B</answer>",
        ("F-16A/B", 1),
    ),
    (
        GroundingQuestion(picture(1), "the {odd} one", ((2, 1, 100, 50),)),
        grounding_prompt("the {odd} one"),
        {"box": [10, 10, 500, 500]},
        "<answer>(10,10),(500,500)</answer>",
        ("the {odd} one", None),
    ),
]


@pytest.mark.parametrize(("question", "prompt", "truth", "answer", "category"), TASKS)
def test_a_row_of_each_task(
    tmp_path: Path,
    question: Question,
    prompt: str,
    truth: dict[str, Any],
    answer: str,
    category: tuple[str, int | None],
) -> None:
    manifest = prepare(tmp_path, {"train": [question]}, PrepareOptions(reward="robust"), "made_up", [])
    (row,) = rows_of(tmp_path / "sft_train.parquet")
    assert row["prompt"] == [{"role": "user", "content": "<image>" + prompt}]
    assert row["messages"] == [*row["prompt"], {"role": "assistant", "content": answer}]
    assert json.loads(row["reward_model"]["ground_truth"]) == truth
    assert row["extra_info"] == {
        "index": 0,
        "split": "train",
        "image_id": "1",
        "file_name": "jpg/1.jpg",
        "width": 200,
        "height": 100,
        "category": category[0],
        "category_id": category[1],
        "image_tokens": 28,
        "prompt_tokens": None,
        "model_family": "qwen2-vl",
        "reward": "robust",
    }
    assert question.picture.data is not None
    assert row["images"] == [{"bytes": question.picture.data, "min_pixels": 3136, "max_pixels": 401408}]
    assert manifest["task"] == row["ability"]
    assert rows_of(tmp_path / "train.parquet") == [{key: row[key] for key in row if key != "messages"}]


@pytest.mark.parametrize("family", ["qwen2-vl", "qwen2.5-vl", "qwen3-vl"])
@pytest.mark.parametrize("question", [task[0] for task in TASKS])
def test_the_target_answer_earns_the_full_reward_in_every_family(
    tmp_path: Path, question: Question, family: str
) -> None:
    prepare(tmp_path, {"train": [question]}, PrepareOptions(family=family), "made_up", [])
    (row,) = rows_of(tmp_path / "sft_train.parquet")
    response = "<think>I see.</think> " + row["messages"][1]["content"]
    components = score(row["ability"], response, row["reward_model"]["ground_truth"], reward="robust")
    parts = {"iou", "confidence", "accuracy", "format"} & components.keys()
    assert len(parts) >= 2
    assert {components[part] for part in parts} == {1.0}


@pytest.mark.parametrize("question", [task[0] for task in TASKS])
@pytest.mark.parametrize(
    ("options", "message", "asks_for_thinking"),
    [
        pytest.param(PrepareOptions(think=False), "{}", False, id="the answer alone"),
        pytest.param(PrepareOptions(sft_target="reasoning"), "<think> {} </think> {}", True, id="reasoning"),
    ],
)
def test_a_target_that_does_what_its_prompt_asks_for_earns_all_by_itself(
    tmp_path: Path, question: Question, options: PrepareOptions, message: str, asks_for_thinking: bool
) -> None:
    manifest = prepare(tmp_path, {"train": [question]}, options, "made_up", [])
    (row,) = rows_of(tmp_path / "sft_train.parquet")
    truth, target = row["reward_model"]["ground_truth"], row["messages"][1]["content"]
    assert json.loads(truth).get("think", True) is asks_for_thinking
    assert ("<think>" in row["prompt"][0]["content"]) is asks_for_thinking
    assert target.startswith("<think> ") is asks_for_thinking
    reward = load_reward("robust")
    assert score(row["ability"], target, truth, reward)["score"] == reward.ranges[row["ability"]][1]
    assert manifest["options"]["think"] is options.think
    assert manifest["options"]["sft_target"] == options.sft_target


def test_a_published_target_gets_the_reasoning_too_and_a_published_prompt_is_not_changed(tmp_path: Path) -> None:
    question = replace(detection(1), prompt="cats? <think> </think>", answer="<answer>No Objects</answer>")
    prepare(tmp_path, {"train": [question]}, PrepareOptions(sft_target="reasoning"), "made_up", [])
    (row,) = rows_of(tmp_path / "sft_train.parquet")
    assert row["messages"][1]["content"].endswith("count 0. </think> <answer>No Objects</answer>")
    with pytest.raises(UserError, match=r"train: jpg/1.jpg, 'cat': it brings its own prompt, which --no-think"):
        prepare(tmp_path, {"train": [question]}, PrepareOptions(think=False), "made_up", [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PrepareOptions(sft_target="thoughts"), "unknown sft_target 'thoughts': use answer or reasoning"),
        (PrepareOptions(sft_target="reasoning", think=False), "--sft-target reasoning contradicts --no-think"),
    ],
)
def test_targets_that_cannot_be(tmp_path: Path, options: PrepareOptions, message: str) -> None:
    with pytest.raises(UserError, match=message):
        prepare(tmp_path, {"train": [detection(1)]}, options, "made_up", [])


def test_pixels_of_the_resized_picture_come_back_to_the_original(tmp_path: Path) -> None:
    options = PrepareOptions(family="qwen2.5-vl", max_pixels=10 * 784)
    prepare(tmp_path, {"val": [detection(1, (20, 10, 120, 60))]}, options, "made_up", [])
    (row,) = rows_of(tmp_path / "val.parquet")
    truth = read_truth("detection", row["reward_model"]["ground_truth"])
    assert truth.extent == (112, 56)
    assert from_extent(truth.boxes[0], SIZE, truth.extent) == pytest.approx((20, 10, 120, 60), abs=2)
    assert "(in pixels, integer)" in row["prompt"][0]["content"]


def test_a_question_may_bring_its_prompt_answer_and_reward(tmp_path: Path) -> None:
    question = replace(detection(1), prompt="Where?", answer="<answer>Nowhere</answer>", reward="paper")
    prepare(tmp_path, {"train": [question]}, PrepareOptions(reward="robust"), "made_up", [])
    (row,) = rows_of(tmp_path / "sft_train.parquet")
    assert [turn["content"] for turn in row["messages"]] == ["<image>Where?", "<answer>Nowhere</answer>"]
    assert row["extra_info"]["reward"] == "paper"
    with pytest.raises(UserError, match=r"train: jpg/1.jpg, 'cat': .* 0-1000 grid .*'qwen2.5-vl'"):
        prepare(tmp_path, {"train": [question]}, PrepareOptions(family="qwen2.5-vl"), "made_up", [])


def mixed_questions(count: int) -> list[Question]:
    """Questions with neighbours about the same picture, a palette picture, a missing file and a broken one."""
    palette = io.BytesIO()
    Image.new("P", SIZE).save(palette, "PNG")
    odd = {3: {"data": palette.getvalue()}, 5: {"data": None}, 8: {"data": b"junk"}}
    return [
        DetectionQuestion(picture(number, **odd.get(number, {})), f"category {k}", k, ((0, 0, 9 + k, 9),))
        for number in range(count)
        for k in range(2)
    ]


def test_equal_bytes_with_any_number_of_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_WORTH_PROCESSES", 1)
    splits = {"train": mixed_questions(90), "val": mixed_questions(9)}
    for workers in (1, 2, 3):
        prepare(tmp_path / str(workers), splits, PrepareOptions(workers=workers), "made_up", [])
    one, two, three = (contents(tmp_path / str(workers)) for workers in (1, 2, 3))
    assert one == two == three
    rows = rows_of(tmp_path / "3/train.parquet")
    assert [row["extra_info"]["index"] for row in rows] == list(range(176))
    assert [row["extra_info"]["image_id"] for row in rows[:12:2]] == ["0", "1", "2", "3", "4", "6"]


def test_what_was_left_out_and_converted_is_counted_and_listed_once(tmp_path: Path) -> None:
    splits = {"train": mixed_questions(10), "val": mixed_questions(10)}
    manifest = prepare(tmp_path, splits, PrepareOptions(), "made_up", [], skips=[Skip("crowd box", "a.json: 3")])
    assert manifest["skips"] == {
        "crowd box": {"count": 1, "where": ["a.json: 3"]},
        "no file": {"count": 1, "where": ["jpg/5.jpg"]},
        "not a picture": {"count": 1, "where": ["jpg/8.jpg"]},
    }
    assert manifest["conversions"] == {"colour mode P": {"count": 1, "pictures": ["jpg/3.jpg"]}}
    counts = manifest["counts"]["train"]
    assert (counts["rows"], counts["skipped_rows"], counts["images"], counts["boxes"]) == (16, 4, 8, 16)
    assert counts["positives_by_category"] == {"category 0": 8, "category 1": 8}
    assert manifest["counts"]["both"] == {"images": 8}
    assert manifest["chosen"]["val"]["positives"]["category 1"] == ["0", "1", "2", "3", "4", "6", "7", "9"]


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (detection(1, (0, 0, 9, 9), (200, 0, 220, 9)), "box without area in the picture"),
        (detection(1, (5, 5, 5, 9)), "box without area in the picture"),
        (GroundingQuestion(picture(1), "it", ((9, 9, 0, 0),)), "box without area in the picture"),
        (DetectionQuestion(picture(1, size=(100, 100)), "cat", 7, ()), "size differs from the annotation"),
    ],
)
def test_questions_without_an_answer_are_left_out(tmp_path: Path, question: Question, rule: str) -> None:
    manifest = prepare(tmp_path, {"val": [detection(2), question]}, PrepareOptions(), "made_up", [])
    assert manifest["skips"][rule]["count"] == 1
    assert manifest["counts"]["val"]["rows"] == 1


def test_pictures_too_long_for_the_model_are_left_out(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (2010, 10)).save(buffer, "PNG")
    question = DetectionQuestion(picture(1, size=None, data=buffer.getvalue()), "cat", 7, ())
    manifest = prepare(tmp_path, {"val": [detection(2), question]}, PrepareOptions(), "made_up", [])
    assert manifest["skips"]["picture too long for the model"]["count"] == 1


TWINS = ClassSet(("Red Fox", "red_fox"), "an animal", "the animal")


@pytest.mark.parametrize(
    ("splits", "changes", "message"),
    [
        ({}, {}, "no question for any split"),
        ({"train": [detection(1)], "val": []}, {}, "no question for 'val'"),
        (
            {"train": [replace(detection(1), picture=picture(1, data=None))]},
            {},
            r"no row of 'train' can be used:\n  no f",
        ),
        ({"train": [ClassificationQuestion(picture(4), 0, TWINS)]}, {}, r"train: jpg/4.jpg, 'Red Fox': .* told apart"),
        ({"train": [replace(detection(1), category="a <video>")]}, {}, r"jpg/1.jpg, 'a <video>': .* placeholder"),
        ({"train": mixed_questions(10)}, {"strict": True}, r"2 would be left out(.|\n)*no file: jpg/5.jpg"),
        ({"train": [detection(1)]}, {"family": "qwen9"}, "unknown model family 'qwen9'"),
        ({"train": [replace(detection(1), category="a \udcbb")]}, {}, r"jpg/1.jpg, .*a \\udcbb. \(prompt.* not UTF-8"),
        (
            {"train": [replace(detection(1), prompt="\ud800?")]},
            {},
            r"jpg/1.jpg, 'cat': '\\ud800' \(prompt.* not UTF-8",
        ),
        (
            {"train": [detection(1)]},
            {"reward": "\udcff"},
            r"jpg/1.jpg, 'cat': .*\\udcff' \(prompt, reward .* not UTF-8",
        ),
    ],
)
def test_errors_name_the_row_and_leave_the_folder_as_it_was(
    tmp_path: Path, splits: dict[str, Sequence[Question]], changes: dict[str, Any], message: str
) -> None:
    (tmp_path / "train.parquet").write_text("old")
    with pytest.raises(UserError, match=message):
        prepare(tmp_path, splits, PrepareOptions(**changes), "made_up", [])
    assert contents(tmp_path) == {"train.parquet": b"old"}


def test_strict_refuses_what_the_reader_left_out_before_reading_pictures(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="1 would be left out"):
        prepare(
            tmp_path / "out", {"val": [detection(1)]}, PrepareOptions(strict=True), "made_up", [], [Skip("crowd", "a")]
        )
    assert not (tmp_path / "out").exists()


def test_companions_are_made_from_what_was_kept(tmp_path: Path) -> None:
    def companions(kept: Any) -> dict[str, Any]:
        return {"kept.json": {split: sorted(placements) for split, placements in kept.items()}, "masks/a.png": b"PNG"}

    splits = {"val": mixed_questions(10)}
    manifest = prepare(
        tmp_path, splits, PrepareOptions(), "made_up", [], details={"boxes": "union"}, companions=companions
    )
    assert json.loads((tmp_path / "kept.json").read_text()) == {"val": ["0", "1", "2", "3", "4", "6", "7", "9"]}
    assert (tmp_path / "masks/a.png").read_bytes() == b"PNG"
    assert sorted(manifest["files"]) == ["kept.json", "masks/a.png", "val.parquet"]
    assert json.loads((tmp_path / "manifest.json").read_text())["boxes"] == "union"


def test_a_second_run_removes_what_only_the_first_one_wrote(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    prepare(tmp_path, {"train": [detection(1)], "test": [detection(2)]}, PrepareOptions(), "made_up", [])
    prepare(tmp_path, {"train": [detection(1)]}, PrepareOptions(sft=False), "made_up", [])
    assert sorted(contents(tmp_path)) == ["manifest.json", "mine.txt", "train.parquet"]


def test_the_manifest_names_sources_below_their_common_folder(tmp_path: Path) -> None:
    sources = [tmp_path / "root/devkit/a.txt", tmp_path / "root/b/a.txt"]
    for source in sources:
        source.parent.mkdir(parents=True)
        source.write_text(source.parent.name)
    manifest = prepare(tmp_path / "out", {"val": [detection(1)]}, PrepareOptions(workers=5), "made_up", sources)
    assert [entry["file"] for entry in manifest["sources"]["files"]] == ["devkit/a.txt", "b/a.txt"]
    assert str(tmp_path) not in (tmp_path / "out/manifest.json").read_text()
    assert load_manifest(tmp_path / "out") == manifest
    assert "workers" not in manifest["options"]


class LazyQuestions(Sequence[Question]):
    """Makes its questions as they are asked for, and counts them."""

    def __init__(self, length: int) -> None:
        self.length, self.made = length, 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        raise AssertionError("a whole pass is enough: questions are not asked for by number")

    def __iter__(self) -> Iterator[Question]:
        for number in range(self.length):
            self.made += 1
            yield detection(number)


@pytest.mark.parametrize("workers", [1, 2])
def test_only_a_few_pictures_are_read_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    questions = LazyQuestions(300)
    ahead = []

    def build_row(question: Question, stored: Any, index: int, *rest: Any) -> Any:
        ahead.append(questions.made - index)
        return build(question, stored, index, *rest)

    build = pipeline.build_row
    monkeypatch.setattr(pipeline, "build_row", build_row)
    prepare(tmp_path, {"val": questions}, PrepareOptions(workers=workers), "made_up", [])
    assert len(ahead) == 300
    assert max(ahead) <= (2 if workers == 1 else 8 * workers + 1)


def test_an_interrupted_run_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    def interrupted(kept: Any) -> dict[str, Any]:
        raise KeyboardInterrupt

    out, splits = tmp_path / "out", {"train": [detection(1)]}
    with pytest.raises(KeyboardInterrupt):
        prepare(out, splits, PrepareOptions(), "made_up", [], companions=interrupted)
    assert not out.exists()
    prepare(out, splits, PrepareOptions(), "made_up", [])
    assert sorted(contents(out)) == ["manifest.json", "sft_train.parquet", "train.parquet"]
