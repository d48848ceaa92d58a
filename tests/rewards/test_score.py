# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, reward_names, score

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


@settings(max_examples=500)
@given(
    st.one_of(st.text(), fragments, fragments.map(lambda text: f"<think>a</think><answer>{text}</answer>")),
    st.sampled_from([TRUTH, {"boxes": []}]),
)
@example("<answer>[{'Position': [1e308, 1e308, 1e309, 1e309], 'Confidence': 1e309}]", TRUTH)
def test_any_text_gives_finite_numbers_in_range(response: str, truth: dict[str, list]) -> None:
    for reward in ("paper", "robust"):
        low, high = load_reward(reward).range
        result = score("detection", response, truth, reward)
        assert set(result) == KEYS
        assert all(type(value) is float and math.isfinite(value) for value in result.values())
        assert low <= result["score"] <= high + 1e-9


@pytest.mark.parametrize(
    "ground_truth",
    [
        TRUTH,
        json.dumps(TRUTH),
        {"boxes": [tuple(box) for box in TRUTH["boxes"]]},
        "<answer>[{'Position': [100, 150, 300, 350], 'Confidence': 1}, "
        "{'Position': [500, 500, 600, 600], 'Confidence': 1}]</answer>",
    ],
)
def test_forms_of_the_ground_truth(ground_truth: object) -> None:
    result = score("detection", f"<answer>[{ONE}]</answer>", ground_truth)  # type: ignore[arg-type]
    assert (result["n_truth"], result["iou"]) == (2, 1)


@pytest.mark.parametrize("ground_truth", [{"boxes": []}, '{"boxes": []}', "<answer>No Objects</answer>"])
def test_forms_of_nothing_there(ground_truth: object) -> None:
    result = score("detection", "<answer>No Objects</answer>", ground_truth)  # type: ignore[arg-type]
    assert (result["n_truth"], result["iou"]) == (0, 1)


@pytest.mark.parametrize(
    "ground_truth",
    [
        "",
        "cat",
        "null",
        "[]",
        "{}",
        '{"boxes": null}',
        '{"boxes": "none"}',
        '{"box": [1, 2, 3, 4]}',
        {},
        None,
        "[" * 9999,
    ]
    + [{"boxes": [[1, 2, 3]]}, {"boxes": [[3, 2, 1, 4]]}, {"boxes": [[1, 2, 3, 1001]]}, {"boxes": [[-1, 2, 3, 4]]}]
    + [{"boxes": [["1", "2", "3", "4"]]}, {"boxes": [[1, 2, 3, math.nan]]}, {"boxes": [5]}, {"boxes": ["1234"]}]
    + ["<answer>[{'Position': [3, 2, 1, 4], 'Confidence': 1}]</answer>", "<answer>cat</answer>", "<answer></answer>"],
)
def test_an_unreadable_ground_truth_is_an_error_not_a_zero(ground_truth: object) -> None:
    with pytest.raises(UserError, match="ground truth .*give .*boxes"):
        score("detection", f"<answer>[{ONE}]</answer>", ground_truth)  # type: ignore[arg-type]


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"unknown task 'detektion': use one of .*detection"):
        score("detektion", "", TRUTH)
    with pytest.raises(UserError, match=r"unknown reward 'papre': use one of .*paper, robust"):
        score("detection", "", TRUTH, "papre")


def test_our_rewards_are_named() -> None:
    assert {"paper", "robust"} <= set(reward_names())


def test_loading_and_scoring_need_no_heavy_package() -> None:
    code = (
        "import sys; from verl_visual_rft.rewards import score; score('detection', '', {'boxes': []}, 'robust'); "
        "print([name for name in ('torch', 'numpy', 'verl', 'vllm', 'transformers', 'ray') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
