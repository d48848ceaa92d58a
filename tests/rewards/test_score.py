# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
import math
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from verl_visual_rft.cli import evaluation, task
from verl_visual_rft.cli import reward as reward_commands
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, reward_names, score
from verl_visual_rft.rewards.explain import explain
from verl_visual_rft.rewards.registry import component_names

TRUTH = {"boxes": [[100, 150, 300, 350], [500, 500, 600, 600]]}
ONE = "{'Position': [100, 150, 300, 350], 'Confidence': 0.9}"
KEYS = {"score", "iou", "confidence", "format", "n_pred", "n_truth", "n_matched", "n_invalid"} | {
    f"outcome_{name}" for name in ("well_formed", "repaired", "no_objects", "malformed", "no_answer")
}


@pytest.mark.parametrize("reward", ["paper", "robust"])
@pytest.mark.parametrize(
    ("body", "outcome", "n_pred", "n_matched", "n_invalid"),
    [
        (f"[{ONE}]", "well_formed", 1, 1, 0),
        (f"[{ONE}, {ONE}, {{'Position': [1], 'Confidence': 0.2}}]", "repaired", 3, 1, 1),
        ("No Objects", "no_objects", 0, 0, 0),
        ("[{'Position': [1], 'Confidence': 0.2}]", "malformed", 1, 0, 1),
    ],
)
def test_counts_and_outcome(reward: str, body: str, outcome: str, n_pred: int, n_matched: int, n_invalid: int) -> None:
    result = score("detection", f"<think> a </think> <answer>{body}</answer>", TRUTH, reward)
    assert set(result) == KEYS
    assert (result["n_pred"], result["n_matched"], result["n_invalid"], result["n_truth"]) == (
        n_pred,
        n_matched,
        n_invalid,
        2,
    )
    assert [key for key, value in result.items() if key.startswith("outcome_") and value] == [f"outcome_{outcome}"]


fragments = st.lists(
    st.one_of(
        st.sampled_from(
            ["<think>", "</think>", "<answer>", "</answer>", ONE, "[", "]", "{", "}", ", ", "...", "No Objects"]
        ),
        st.sampled_from(["'Position': ", "'Confidence': ", "NaN", "-Infinity", "1e999", "-5", "'", '"', "\\"]),
        st.integers().map(str),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)


@given(
    st.one_of(st.text(), fragments, fragments.map(lambda text: f"<think>a</think><answer>{text}</answer>")),
    st.sampled_from([TRUTH, {"boxes": []}]),
)
@example("<answer>[{'Position': [1e308, 1e308, 1e309, 1e309], 'Confidence': 1e309}]", TRUTH)
def test_any_text_gives_finite_numbers_in_range(response: str, truth: dict[str, list]) -> None:
    for reward in ("paper", "robust"):
        low, high = load_reward(reward).ranges["detection"]
        result = score("detection", response, truth, reward)
        assert set(result) == KEYS
        assert all(type(value) is float and math.isfinite(value) for value in result.values())
        assert low <= result["score"] <= high + 1e-9


BAD_TRUTHS = [("detection", {"box": [1, 2, 3, 4]}), ("classification", {"label": ""}), ("grounding", "(1,2),(3,4)")]


@pytest.mark.parametrize(("task", "ground_truth"), BAD_TRUTHS)
def test_an_unreadable_ground_truth_is_an_error_not_a_zero(task: str, ground_truth: object) -> None:
    with pytest.raises(UserError, match="ground truth .*give "):
        score(task, f"<answer>[{ONE}]</answer>", ground_truth)  # type: ignore[arg-type]


@pytest.mark.parametrize("reward", ["paper", "robust"])
@pytest.mark.parametrize(
    ("task", "truth", "answer", "keys"),
    [
        ("classification", {"label": "rose"}, "rose", {"score", "accuracy", "format"}),
        ("grounding", {"box": [0, 0, 9, 9]}, "(0,0),(9,9)", {"score", "iou", "format", "n_pred", "n_invalid"}),
    ],
)
def test_the_other_tasks(reward: str, task: str, truth: dict[str, object], answer: str, keys: set[str]) -> None:
    result = score(task, f"<think> a cat </think> <answer>{answer}</answer>", truth, reward)
    assert keys <= set(result)
    assert result["score"] == load_reward(reward).ranges[task][1]
    assert result["outcome_well_formed"] == 1


def test_boxes_in_another_models_coordinates() -> None:
    truth = {"boxes": [[1000, 100, 1400, 300]], "extent": [1400, 896]}
    response = "<answer>[{'Position': [1000, 100, 1400, 300], 'Confidence': 1}]</answer>"
    assert score("detection", response, truth)["iou"] == 1
    assert score("detection", response.replace("1400", "1430"), truth)["n_invalid"] == 1


def test_unknown_names_list_the_known_ones_or_the_nearest() -> None:
    with pytest.raises(
        UserError, match=r"unknown task 'detektion' \(did you mean 'detection'\?\): use one of .*counting"
    ):
        score("detektion", "", TRUTH)
    with pytest.raises(UserError, match=r"unknown reward 'papre' \(did you mean 'paper'\?\)"):
        score("detection", "", TRUTH, "papre")
    with pytest.raises(UserError, match="unknown reward 'xyzzy': use one of ") as error:
        score("detection", "", TRUTH, "xyzzy")
    rewards, components = str(error.value).split(" or components with weights ")
    assert {*reward_names()} <= {*re.findall(r"[\w-]+", rewards)}
    assert {*component_names()} <= {*re.findall(r"\w+", components)}


@pytest.mark.parametrize(
    "part",
    [
        *(score, explain, evaluation.evaluate, evaluation.report),
        *(reward_commands.explain, reward_commands.audit, task.validate),
    ],
)
def test_every_part_that_takes_a_reward_takes_robust_unless_told_otherwise(part: Callable[..., Any]) -> None:
    names = inspect.signature(part).parameters
    assert names["reward" if "reward" in names else "name"].default == "robust"


def test_our_rewards_are_named() -> None:
    assert {"paper", "reference", "robust", "robust-1"} <= set(reward_names())


def test_loading_and_scoring_need_no_heavy_package() -> None:
    code = (
        "import sys; from verl_visual_rft.rewards import score; score('detection', '', {'boxes': []}, 'robust'); "
        "score('classification', '', {'label': 'a'}, 'iou=1,format=1,accuracy_closed_set=1'); "
        "heavy = {'torch', 'numpy', 'verl', 'vllm', 'transformers', 'ray', 'sympy', 'yaml'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
