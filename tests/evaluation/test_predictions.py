# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predictions import read_predictions

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
    with pytest.raises(UserError, match="line 4: not JSON"):
        read_predictions(path)


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
    with pytest.raises(UserError, match="image 1, category 'red square' is answered twice"):
        read_predictions(path)
