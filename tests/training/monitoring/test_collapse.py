# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Warnings on the metrics of real runs (README, "Which reward"), and each rule at its edges."""

import json
from pathlib import Path

import pytest

from verl_visual_rft.evaluation.training_log import TrainingLog
from verl_visual_rft.training.monitoring.collapse import WINDOW, Watch, find_warnings

HISTORIES = json.loads((Path(__file__).parent / "histories.json").read_text())
HEALTHY = [name for name in HISTORIES if "weak_paper" not in name and "lr" not in name]


def by_step(name):
    history = HISTORIES[name]
    columns = {metric: values for metric, values in history.items() if metric != "steps"}
    return {
        step: {metric: values[at] for metric, values in columns.items() if values[at] is not None}
        for at, step in enumerate(history["steps"])
    }


def warned(steps, without=()):
    """Warnings with the step at which they were said."""
    watch, said = Watch(TrainingLog({}, 0)), []
    for step, metrics in steps.items():
        watch.add(step, {name: value for name, value in metrics.items() if not name.startswith(tuple(without))})
        said += [(sign.name, step) for sign in watch.check(step)[0]]
    return said


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_reward_that_is_gamed_is_warned_of_in_the_first_half(seed):
    first = dict(reversed(warned(by_step(f"weak_paper_{seed}"))))
    assert first["reward_hacking"] <= 20  # of 40 steps


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_reward_that_is_gamed_is_warned_of_without_validation_too(seed):
    assert dict(warned(by_step(f"weak_paper_{seed}"), without=["val"]))["reward_hacking"] <= 30


def test_answers_that_decay_with_it_are_warned_of():
    assert ("unreadable_answers", 24) in warned(by_step("weak_paper_1"))


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_runs_are_not_warned_of(name):
    assert warned(by_step(name)) == []


def test_a_policy_that_runs_away_is_warned_of():
    assert [name for name, _ in warned(by_step("lr_5e-4_kl_0.01"))] == ["kl_explosion"]


def steps(n, **metrics):
    """Steps 1 to n: each metric a number, or a function of the step."""
    return {
        step: {name.replace("__", "/"): value(step) if callable(value) else value for name, value in metrics.items()}
        for step in range(1, n + 1)
    }


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ({"group__zero_std_frac": 0.61}, ["tied_groups"]),
        ({"group__zero_std_frac": 0.59}, []),
        ({"response__truncated": 0.31}, ["truncated_responses"]),
        ({"response__truncated": 0.29}, []),
        ({"parse__no_objects": 0.9, "reward__n_truth__mean": 1.2}, ["nothing_found"]),
        ({"parse__no_objects": 0.9, "reward__n_truth__mean": 0.1}, []),  # there is little to find
        ({"parse__malformed": 0.2, "parse__no_answer": 0.1}, ["unreadable_answers"]),
        ({"parse__malformed": 0.1, "parse__no_answer": 0.05}, []),
        ({"parse__malformed": lambda step: 0.8 / step, "parse__no_answer": 0.1}, []),  # being learnt
        ({"rollout_corr__k3_kl": lambda step: 0.0935 if step == 4 else 2e-8}, ["rollout_mismatch"]),  # as it was seen
        ({"rollout_corr__k3_kl": 5e-3}, []),
    ],
)
def test_a_window_of_steps_decides(metrics, names):
    assert [sign.name for sign in find_warnings(TrainingLog(steps(WINDOW, **metrics), 0))] == names
    assert find_warnings(TrainingLog(steps(WINDOW - 1, **metrics), 0)) == []


def falls(step):
    return 0.6 if step <= 20 else 0.3


@pytest.mark.parametrize("component", ["iou", "accuracy"])
@pytest.mark.parametrize(
    ("reward", "hacked"), [(lambda step: 1 + step / 100, True), (lambda step: 2 - step / 100, False)]
)
def test_quality_that_falls_is_hacking_unless_the_reward_falls_with_it(component, reward, hacked):
    history = steps(40, **{f"reward__{component}__mean": falls, "reward__score__mean": reward})
    assert bool(find_warnings(TrainingLog(history, 0))) == hacked


@pytest.mark.parametrize(("now", "hacked"), [(14.0, True), (19.0, False)])
def test_task_metrics_of_validation_are_in_percent(now, hacked):
    history = steps(20, reward__score__mean=1.0)
    history[5]["val/coco/ap"], history[20]["val/coco/ap"] = 20.0, now
    assert bool(find_warnings(TrainingLog(history, 0))) == hacked


def test_a_small_loss_on_validation_is_noise():
    history = steps(20, reward__score__mean=1.0)
    history[5]["val/coco/ap"], history[20]["val/coco/ap"] = 2.9, 0.0
    assert find_warnings(TrainingLog(history, 0)) == []


def test_a_warning_is_said_once_and_logged_as_long_as_it_holds():
    watch, said, logged = Watch(TrainingLog({}, 0)), [], []
    for step in range(1, 61):
        watch.add(step, {"group/zero_std_frac": 0.0 if 21 <= step <= 40 else 1.0})
        begun, metrics = watch.check(step)
        said += [step for _ in begun]
        logged += [step for _ in metrics]
        assert set(metrics.values()) <= {1.0}
    assert said == [10, 46]
    assert logged == [*range(10, 25), *range(46, 61)]


def test_a_run_that_goes_on_remembers_its_best():
    whole = by_step("weak_paper_1")
    before = TrainingLog({step: metrics for step, metrics in whole.items() if step < 15}, 0)
    watch, said = Watch(before), []
    for step in range(15, 41):
        watch.add(step, whole[step])
        said += [sign.name for sign in watch.check(step)[0]]
    assert "reward_hacking" in said


def test_a_warning_is_one_line_with_advice():
    (sign,) = find_warnings(TrainingLog(steps(WINDOW, group__zero_std_frac=1.0), 0))
    assert str(sign).startswith("tied groups: in 100% of the groups")
    assert "algo=dapo" in str(sign) and "\n" not in str(sign)
