# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import time

import pytest

pytest.importorskip("verl", reason="verl is not installed")

from verl.utils.tracking import Tracking  # noqa: E402

from verl_visual_rft.training.monitoring import sft  # noqa: E402
from verl_visual_rft.training.monitoring.terminal import read_run  # noqa: E402


@pytest.fixture
def tracking(tmp_path, monkeypatch):
    monkeypatch.setenv("VERL_FILE_LOGGER_PATH", str(tmp_path / "metrics.1.jsonl"))
    monkeypatch.setattr(sft, "_progress", None)
    return Tracking("project", "experiment", ["file"])


def test_time_left_of_an_sft_run_counts_validation(tracking, tmp_path):
    began = time.monotonic()
    sft.begin(total_steps=10)
    for step in (1, 2):
        time.sleep(0.1)
        tracking.log(data={"train/loss": 1.0}, step=step)
        time.sleep(0.1)
        tracking.log(data={"val/loss": 2.0}, step=step)
    state = read_run(tmp_path)
    assert (state.total, state.finished) == (10, False)
    first, second = state.log.series("timing_s/step").values
    assert first >= 0.1 and second >= 0.2
    assert first + second <= time.monotonic() - began
    assert state.log.series("val/loss").values == (2.0, 2.0)


def test_nothing_is_added_to_what_others_log(tracking, tmp_path):
    tracking.log(data={"train/loss": 1.0}, step=1)
    assert read_run(tmp_path).log.by_step == {1: {"train/loss": 1.0}}
