# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predictions import ExistenceStage, read_existence_stage, read_predictions

NO_OBJECTS = "<think> I look. </think> <answer>No Objects</answer>"


def test_a_response_may_hold_any_character(write_predictions):
    response = 'two\nlines, a \u2028 separator, \r, \x85 and "quotes" <b>é</b>'
    predictions = read_predictions(write_predictions([response, NO_OBJECTS, NO_OBJECTS, NO_OBJECTS]))
    assert (len(predictions), predictions[0].response) == (4, response)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such predictions file.*visual-rft predict"):
        read_predictions(tmp_path / "predictions.jsonl")


def test_empty_file(tmp_path):
    (tmp_path / "predictions.jsonl").touch()
    with pytest.raises(UserError, match="empty"):
        read_predictions(tmp_path / "predictions.jsonl")


def test_cut_last_line(write_predictions, perfect):
    path = write_predictions(perfect)
    path.write_text(path.read_text()[:-30])
    with pytest.raises(UserError, match="line 4 is not JSON.*ends in the middle of it.*run predict again"):
        read_predictions(path)


def test_last_line_that_lacks_its_end_only(write_predictions, perfect):
    path = write_predictions(perfect)
    path.write_text(path.read_text().removesuffix("\n"))
    assert [prediction.line for prediction in read_predictions(path)] == [1, 2, 3, 4]


def test_missing_key(write_predictions, perfect):
    path = write_predictions(perfect)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    del records[1]["width"]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(UserError, match="line 2: the key 'width' is missing"):
        read_predictions(path)


def test_question_answered_twice(write_predictions, perfect):
    path = write_predictions(perfect)
    path.write_text(path.read_text() * 2)
    with pytest.raises(UserError, match="line 5: index 0 .image 1, 'red square'. is answered twice, first on line 1"):
        read_predictions(path)


def test_two_answers_with_one_index(write_predictions, perfect):
    path = write_predictions(perfect)
    path.write_text(path.read_text().replace('"index": 2', '"index": 1'))
    with pytest.raises(UserError, match="line 3: index 1 .* is answered twice, first on line 2"):
        read_predictions(path)


def test_the_file_holds_no_line_numbers(write_predictions, perfect):
    path = write_predictions(perfect)
    assert "".join(prediction.to_line() for prediction in read_predictions(path)) == path.read_text()
    assert '"line"' not in path.read_text()


@pytest.mark.parametrize(
    ("meta", "stage"),
    [
        (None, None),
        ({}, None),
        ({"existence": {"mode": "none", "questions": 4, "asked": 4}}, None),
        (
            {"existence": {"mode": "map", "map": "m", "questions": 4, "asked": 2, "precision": 1.0, "recall": None}},
            ExistenceStage("map", 4, 2, 1.0, None),
        ),
    ],
)
def test_existence_stage_of_the_meta_file(tmp_path, meta, stage):
    if meta is not None:
        (tmp_path / "p.meta.json").write_text(json.dumps(meta))
    assert read_existence_stage(tmp_path / "p.jsonl") == stage


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"existence": {}}', '{"existence": {"mode": "self"}}', '{"existence": 3}']
)
def test_meta_file_of_something_else(tmp_path, text):
    (tmp_path / "p.meta.json").write_text(text)
    with pytest.raises(UserError, match="p.meta.json.* not (what predict writes|JSON|an object).*run predict again"):
        read_existence_stage(tmp_path / "p.jsonl")


def test_file_from_before_there_were_tasks(write_predictions, perfect):
    path = write_predictions(perfect)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in r.items() if k != "task"}) + "\n" for r in records))
    assert {prediction.task for prediction in read_predictions(path)} == {"detection"}


def test_two_instructions_about_one_picture(write_predictions, perfect):
    path = write_predictions(perfect)
    record = json.loads(path.read_text().splitlines()[0]) | {"task": "grounding", "category_id": None}
    asked = [record | {"category": "the rider"}, record | {"index": 9, "category": "the horse"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in asked))
    assert [prediction.category for prediction in read_predictions(path)] == ["the rider", "the horse"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "captioning"}, "line 1: unknown task 'captioning'"),
        ({"image_id": 7}, "line 1: 'image_id' is 7"),
        ({"response": None}, "line 1: 'response' is None"),
    ],
)
def test_line_of_something_else(write_predictions, perfect, change, message):
    path = write_predictions(perfect)
    path.write_text(json.dumps(json.loads(path.read_text().splitlines()[0]) | change) + "\n")
    with pytest.raises(UserError, match=message):
        read_predictions(path)


@pytest.mark.parametrize("content", [b"[]\n", b"\xff\xfe{}\n", b"null\n"])
def test_no_json_object(tmp_path, content):
    (tmp_path / "predictions.jsonl").write_bytes(content)
    with pytest.raises(UserError, match="line 1(:| is not UTF-8)"):
        read_predictions(tmp_path / "predictions.jsonl")
