# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.training_log import Series, TrainingLog, read_training_log, training_log_files


def _write(path, *records, tail=""):
    path.write_text("".join(json.dumps({"step": step, "data": data}) + "\n" for step, data in records) + tail)
    return path


def test_series_of_one_file(tmp_path):
    log = read_training_log([_write(tmp_path / "a.jsonl", (1, {"x": 1, "y": 5.0}), (2, {"x": 2.0}))])
    assert log.series("x") == Series((1, 2), (1, 2.0))
    assert log.series("y") == Series((1,), (5.0,))
    assert log.series("z") == Series((), ())
    assert (log.last_step, log.names) == (2, {"x", "y"})


def test_step_trained_again_after_a_resume_keeps_the_later_values(tmp_path):
    first = _write(tmp_path / "0.jsonl", (1, {"x": 1.0}), (2, {"x": 2.0}), (3, {"x": 3.0}))
    resumed = _write(tmp_path / "1.jsonl", (3, {"x": 30.0}), (4, {"x": 40.0}))
    assert read_training_log([first, resumed]).series("x") == Series((1, 2, 3, 4), (1.0, 2.0, 30.0, 40.0))


def test_steps_that_a_resume_left_behind_are_forgotten(tmp_path):
    """Saved after step 2, killed after step 5, resumed: validation of step 2 again, then step 3, killed again."""
    before = [(step, {"x": float(step), "val/ap": 0.0}) for step in range(1, 6)]
    after = [(2, {"val/ap": 20.0}), (3, {"x": 30.0, "val/ap": 30.0})]
    files = [_write(tmp_path / "0.jsonl", *before), _write(tmp_path / "1.jsonl", *after)]
    appended = [_write(tmp_path / "all.jsonl", *before, *after)]
    for log in (read_training_log(files), read_training_log(appended)):
        assert log.series("x") == Series((1, 2, 3), (1.0, 2.0, 30.0))
        assert log.series("val/ap").values == (0.0, 20.0, 30.0)


def test_half_written_last_line_is_counted_not_read(tmp_path):
    log = read_training_log([_write(tmp_path / "a.jsonl", (1, {"x": 1.0}), tail='{"step": 2, "data": {"x": 2.')])
    assert (log.last_step, log.cut_lines) == (1, 1)


def test_last_line_without_its_newline_is_a_cut_line_even_if_it_reads(tmp_path):
    log = read_training_log([_write(tmp_path / "a.jsonl", (1, {"x": 1.0}), tail='{"step": 2, "data": {}}')])
    assert (log.last_step, log.cut_lines) == (1, 1)


@pytest.mark.parametrize(
    "line", ["{", '{"step": 1}', '{"step": "one", "data": {}}', '{"step": 1, "data": 3}', "[]", ""]
)
def test_broken_line_inside_names_file_and_line(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_text('{"step": 1, "data": {}}\n' + line + '\n{"step": 3, "data": {}}\n')
    with pytest.raises(UserError, match="a.jsonl: line 2"):
        read_training_log([path])


def test_values_that_are_no_numbers_are_left_out(tmp_path):
    # orjson, which veRL writes with, turns NaN into null.
    path = tmp_path / "a.jsonl"
    path.write_text('{"step": 1, "data": {"x": null, "y": "text", "z": true, "w": 1}}\n')
    assert read_training_log([path]).names == {"w"}


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such training log"):
        read_training_log([tmp_path / "a.jsonl"])


def test_validation_by_source(tmp_path):
    data = {"val-aux/shapes/iou/mean@1": 0.5, "val-aux/a/b/iou/mean@4": 0.25, "val-core/shapes/reward/mean@1": 2.0}
    log = read_training_log([_write(tmp_path / "a.jsonl", (0, data))])
    assert log.validation("iou") == {"a/b": Series((0,), (0.25,)), "shapes": Series((0,), (0.5,))}
    assert log.validation("reward") == {"shapes": Series((0,), (2.0,))}


def test_metrics_of_the_task_by_source():
    data = {"val/coco/ap": 40.0, "val/a/b/ap": 20.0, "val/coco/missing": 0.0, "val/loss": 1.0}
    log = TrainingLog({3: data}, 0)
    assert log.task_metric("ap") == {"a/b": Series((3,), (20.0,)), "coco": Series((3,), (40.0,))}
    assert log.task_metric("loss") == {}


def test_means_of_the_ends():
    series = Series((1, 2, 3), (1.0, 2.0, 6.0))
    assert (series.first_mean(2), series.last_mean(2), series.last_mean(10)) == (1.5, 4.0, 3.0)
    assert Series((), ()).first_mean(10) is None


def test_components_are_neither_the_total_nor_counts():
    names = ("score", "iou", "format", "n_pred", "outcome_malformed")
    log = TrainingLog({1: {f"reward/{name}/mean": 1.0 for name in names} | {"reward/iou/std": 0.1}}, 0)
    assert log.components == ["format", "iou"]


def test_training_logs_in_the_order_of_the_starts(tmp_path):
    for number in (10, 9, 1):
        (tmp_path / f"metrics.{number}.jsonl").touch()
    assert [path.name for path in training_log_files(tmp_path)] == [f"metrics.{n}.jsonl" for n in (1, 9, 10)]
    with pytest.raises(UserError, match="train first"):
        training_log_files(tmp_path / "none")
