# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""SFT's progress: its metrics say neither how many steps there will be nor how long they take."""

import sys

import pytest

from verl_visual_rft.launching.launch import launch
from verl_visual_rft.training.monitoring.terminal import read_run

TRAIN = """
import json, os, sys, time
with open(os.environ["VERL_FILE_LOGGER_PATH"], "w", buffering=1) as file:
    for step in map(int, sys.argv[1:]):
        for metrics in ({"train/loss": 1.0}, {"val/loss": 2.0}):
            file.write(json.dumps({"step": step, "data": metrics}) + "\\n")
        time.sleep(0.8)
"""


@pytest.fixture
def train(tmp_path):
    def call(total, *steps):
        assert launch(tmp_path, "SFT", total, [sys.executable, "-c", TRAIN, *map(str, steps)]) == 0
        return read_run(tmp_path)

    return call


def test_the_launcher_tells_how_far_an_sft_run_has_come(train):
    state = train(9, 1, 2, 3)
    assert (state.total, state.finished) == (9, False)
    assert 0.5 < state.seconds_a_step < 5  # 0.8, and what a busy machine adds
    assert state.log.series("val/loss").values == (2.0, 2.0, 2.0)
    state = train(5, 4)  # a second start, with one step
    assert (state.total, state.seconds_a_step) == (5, None)
    assert train(5, 5).finished


def test_before_its_first_step_a_start_is_as_far_as_the_one_before(train, tmp_path):
    before = train(9, 1, 2)
    (tmp_path / "metrics.2.jsonl").touch()
    after = read_run(tmp_path)
    assert (after.total, after.seconds_a_step) == (9, before.seconds_a_step)


def test_without_a_launcher_nothing_is_known(tmp_path):
    (tmp_path / "metrics.1.jsonl").touch()
    assert (read_run(tmp_path).total, read_run(tmp_path).seconds_a_step) == (None, None)
