# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of what a metrics file says of its questions, and of folders that cannot be evaluated."""

from __future__ import annotations

import json
import shutil

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.evaluate import evaluate


def test_metrics_say_what_was_asked(prepared, write_predictions, perfect, tmp_path):
    evaluation = evaluate(write_predictions(perfect), prepared, "robust")
    out = tmp_path / "run" / "eval" / "rft" / "metrics.json"
    evaluation.write(out)
    content = json.loads(out.read_text())
    assert content["data"] == {"dataset": "shapes", "split": "val", "parquet": "../../../prepared/val.parquet"}
    assert (out.parent / content["data"]["parquet"]).resolve() == prepared / "val.parquet"
    assert content["task"] == "detection"


def test_data_may_be_the_parquet_itself(prepared, write_predictions, perfect):
    path = write_predictions(perfect)
    assert evaluate(path, prepared / "val.parquet", "robust") == evaluate(path, prepared, "robust")


def test_a_folder_without_annotations_is_named(prepared, write_predictions, perfect, tmp_path):
    alone = tmp_path / "alone" / "val.parquet"
    alone.parent.mkdir()
    shutil.copy(prepared / "val.parquet", alone)
    with pytest.raises(UserError, match="alone/val_annotations.json: no such file"):
        evaluate(write_predictions(perfect), alone, "robust")


def test_a_manifest_without_a_data_set_is_named(prepared, write_predictions, perfect):
    path = prepared / "manifest.json"
    path.write_text(json.dumps({"categories": json.loads(path.read_text())["categories"]}))
    with pytest.raises(UserError, match="manifest.json: no key 'dataset'; prepare the data again"):
        evaluate(write_predictions(perfect), prepared, "robust")
