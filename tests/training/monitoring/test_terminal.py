# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from verl_visual_rft.errors import UserError
from verl_visual_rft.training.monitoring.terminal import read_run, render, sparkline


def write(folder, steps, name="metrics.1.jsonl"):
    folder.mkdir(exist_ok=True, parents=True)
    lines = [json.dumps({"step": step, "data": metrics}) + "\n" for step, metrics in steps.items()]
    (folder / name).write_text("".join(lines))
    return folder


def shown(folder, width=100):
    console = Console(width=width, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(render(read_run(folder)))
    return console.export_text()


def step(number, **more):
    return {
        "reward/score/mean": 1 + number / 10,
        "reward/iou/mean": 0.5,
        "parse/malformed": 0.1,
        "parse/no_answer": 0.0,
        "group/zero_std_frac": 0.25,
        "response/truncated": 0.05,
        "actor/kl_loss": 0.01,
        "timing_s/gen": 2.0,
        "timing_s/update_actor": 1.0,
        "timing_s/step": 4.0,
        "training/total_steps": 60,
        **more,
    }


def test_progress_and_time_left(tmp_path):
    state = read_run(write(tmp_path / "rft", {n: step(n) for n in range(1, 16)}))
    assert (state.log.last_step, state.total, state.seconds_a_step, state.finished) == (15, 60, 4.0, False)
    assert "step 15 of 60, 4.0 s a step, 0:03:00 left" in " ".join(shown(state.folder, 160).split())


def test_validation_takes_its_share_of_the_time(tmp_path):
    steps = {n: step(n, **({"timing_s/testing": 10.0} if n % 10 == 0 else {})) for n in range(1, 21)}
    assert read_run(write(tmp_path, steps)).seconds_a_step == pytest.approx(5.0)


def test_everything_that_is_logged_has_its_line(tmp_path):
    steps = {n: step(n, **{"val/coco/ap": 40.0, "warning/failed_sessions": float(n == 3)}) for n in range(1, 13)}
    text = shown(write(tmp_path, steps))
    for words in (
        "reward",
        "iou",
        "ap coco",
        "malformed",
        "groups without variance",
        "truncated",
        "KL",
        "update_actor",
    ):
        assert words in text
    assert "failed sessions: last at step 3" in text


def test_what_is_wrong_now_is_said_with_advice(tmp_path):
    text = shown(write(tmp_path, {n: step(n, **{"group/zero_std_frac": 1.0}) for n in range(1, 13)}), 200)
    assert "! tied groups: in 100% of the groups" in text


@pytest.mark.parametrize("width", [40, 80, 240])
def test_any_width_will_do(tmp_path, width):
    text = shown(write(tmp_path, {n: step(n) for n in range(1, 61)}), width)
    assert "finished" in text
    assert all(len(line) <= width for line in text.splitlines())


def test_supervised_runs_have_other_metrics(tmp_path):
    text = shown(write(tmp_path, {n: {"train/loss": 2 / n, "train/lr": 1e-5} for n in range(1, 31)}))
    assert "loss" in text and "1.00e-05" in text and "Training reward" not in text


def test_a_run_without_news_says_so(tmp_path):
    folder = write(tmp_path, {n: step(n) for n in range(1, 13)})
    assert "no new step" not in shown(folder)
    before = time.time() - 3600
    os.utime(folder / "metrics.1.jsonl", (before, before))
    assert "no new step for 1:00:00: ended, or stuck; see" in " ".join(shown(folder, 300).split())


def test_a_run_that_starts_has_no_step_yet(tmp_path):
    (tmp_path / "metrics.1.jsonl").touch()
    assert "no step yet" in shown(tmp_path)


def test_a_step_that_is_being_written_is_left_out(tmp_path):
    folder = write(tmp_path, {n: step(n) for n in range(1, 4)})
    with open(folder / "metrics.1.jsonl", "a") as file:
        file.write('{"step": 4, "da')
    assert read_run(folder).log.last_step == 3


def test_other_folders_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        read_run(tmp_path / "none")
    with pytest.raises(UserError, match="no run of the launcher"):
        read_run(tmp_path)
    write(tmp_path / "rft", {})
    write(tmp_path / "sft", {})
    with pytest.raises(UserError, match=f"holds some: watch {tmp_path}/rft or {tmp_path}/sft"):
        read_run(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        read_run(Path(__file__))


@given(st.lists(st.floats(-1e6, 1e6), max_size=200), st.integers(1, 40))
def test_a_sparkline_has_the_width_it_may_have(values, width):
    line = sparkline(values, width)
    assert len(line) == min(len(values), width)
    assert set(line) <= set("▁▂▃▄▅▆▇█")


@pytest.mark.parametrize(
    ("values", "line"),
    [([], ""), ([5.0, 5.0], "▁▁"), ([0, 7, 1], "▁█▂"), ([0.0] * 50 + [1.0] * 50, "▁" * 12 + "█" * 12)],
)
def test_a_sparkline_goes_from_the_lowest_to_the_highest(values, line):
    assert sparkline(values) == line
