# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import math
import shutil

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from checkpoint_folders import write_checkpoint  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.training.checkpoints.best import (  # noqa: E402
    Best,
    best_checkpoint,
    check_keep_best,
    note_validation,
    read_best,
)
from verl_visual_rft.training.export import checkpoint_of  # noqa: E402

METRIC = "val/coco/ap"


def validate(root, step, value, metric=METRIC):
    note_validation(root, metric, step, {metric: value, "val/coco/missing": 0.0})


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ([10.0, 30.0, 20.0], Best(METRIC, 30.0, 2)),
        ([10.0, 10.0], Best(METRIC, 10.0, 1)),
        ([math.nan, 5.0], Best(METRIC, 5.0, 2)),
        ([5.0, math.nan], Best(METRIC, 5.0, 1)),
    ],
)
def test_the_highest_validation_is_the_best(tmp_path, values, best):
    for step, value in enumerate(values, start=1):
        write_checkpoint(tmp_path, step)
        validate(tmp_path, step, value)
    assert read_best(tmp_path) == best
    assert best_checkpoint(tmp_path).step == best.step


def test_a_step_without_a_checkpoint_is_no_candidate(tmp_path):
    validate(tmp_path, 0, 99.0)  # before training
    assert read_best(tmp_path) is None
    with pytest.raises(UserError, match="no best checkpoint was kept; train with visual_rft.keep_best"):
        best_checkpoint(tmp_path)


def test_another_metric_or_a_lost_checkpoint_begin_anew(tmp_path):
    write_checkpoint(tmp_path, 1)
    validate(tmp_path, 1, 50.0)
    write_checkpoint(tmp_path, 2)
    validate(tmp_path, 2, 0.5, metric="val/coco/miou")
    assert read_best(tmp_path) == Best("val/coco/miou", 0.5, 2)
    shutil.rmtree(tmp_path / "global_step_2")
    with pytest.raises(UserError, match="the best checkpoint, of step 2, is gone; export the last one"):
        best_checkpoint(tmp_path)
    validate(tmp_path, 1, 0.4, metric="val/coco/miou")
    assert read_best(tmp_path).step == 1


def test_an_unknown_metric_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(UserError, match="visual_rft.keep_best=val/ap: .* use one of val/coco/ap"):
        note_validation(tmp_path, "val/ap", 1, {METRIC: 1.0})


def test_export_takes_the_best(tmp_path):
    for step, value in ((1, 2.0), (2, 1.0)):
        write_checkpoint(tmp_path / "checkpoints", step)
        validate(tmp_path / "checkpoints", step, value)
    assert checkpoint_of(tmp_path) == tmp_path / "checkpoints/global_step_2/actor"
    assert checkpoint_of(tmp_path, best=True) == tmp_path / "checkpoints/global_step_1/actor"


def chosen(save, test, metric=METRIC):
    return {"visual_rft": {"keep_best": metric}, "trainer": {"save_freq": save, "test_freq": test}}


@pytest.mark.parametrize(("save", "test"), [(50, 100), (50, 30), (50, -1), (-1, 50)])
def test_checkpoints_that_are_not_validated_are_refused(save, test):
    with pytest.raises(UserError, match="set both to the same number"):
        check_keep_best(chosen(save, test))
    check_keep_best(chosen(save, test, metric=None))


@pytest.mark.parametrize("save", [50, 100])
def test_every_checkpoint_may_be_the_best(save):
    check_keep_best(chosen(save, test=50))
