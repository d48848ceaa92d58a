# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.rewards.composition import Part, read_composition
from verl_visual_rft.rewards.registry import component_names
from verl_visual_rft.tasks import task_names

# IoU 0.9, GIoU 0.9, confidence 0.8, format 1, count 1.
RESPONSE = "<think> left </think> <answer>[{'Position': [0, 0, 100, 90], 'Confidence': 0.8}]</answer>"
TRUTH = {"boxes": [[0, 0, 100, 100]]}
OF_THE_SAMPLE = {"n_pred", "n_invalid", "n_truth"}

COMPONENTS = sorted(component_names())
HAVE_IOU = {"detection", "grounding", "labelled_detection"}


def composed(reward: Any, task: str = "detection", response: str = RESPONSE, truth: Any = TRUTH) -> dict[str, float]:
    result = score(task, response, truth, reward)
    return {name: value for name, value in result.items() if name not in OF_THE_SAMPLE and "outcome" not in name}


@pytest.mark.parametrize(
    ("composition", "parts"),
    [
        ("iou=1", [Part("iou", 1, {})]),
        (" iou = 1 , format=0.5, ", [Part("iou", 1, {}), Part("format", 0.5, {})]),
        ("iou=1e-1,count=-2,ap=0", [Part("iou", 0.1, {}), Part("count", -2, {}), Part("ap", 0, {})]),
        ({"iou": 1, "format": "0.5"}, [Part("iou", 1, {}), Part("format", 0.5, {})]),
        ({"iou": {"weight": 2, "threshold": 0.7}}, [Part("iou", 2, {"threshold": 0.7})]),
    ],
)
def test_read_composition(composition: Any, parts: list[Part]) -> None:
    assert read_composition(composition) == parts


@pytest.mark.parametrize(
    "composition",
    ["iou=", "iou=one", "iou=1,format", "=1", "iou=nan", "iou=inf", "iou=1,iou=2", ",=,", {}, {"iou": None}]
    + [{"iou": True}, {"iou": [1]}, {"iou": {"threshold": 0.5}}, {"iou": {"weight": "much"}}, {1: 1}]
    + ["iou=1e308,f1=1e308", "iou=-1e10", {"iou": 10**400}, {"iou": {"weight": -(10**400)}}, "iou=" + "9" * 400],
)
def test_what_cannot_be_read_says_how_to_write_it(composition: Any) -> None:
    with pytest.raises(UserError, match="write 'iou=1,format=0.5'"):
        read_composition(composition)


def test_read_a_yaml_file(tmp_path: Path) -> None:
    path = tmp_path / "reward.yaml"
    path.write_text("iou: {weight: 1, threshold: 0.95}\nformat: 0.5\n", encoding="utf-8")
    assert composed(str(path)) == {"score": 0.5, "iou": 0, "format": 1}


@pytest.mark.parametrize("content", ["[iou, format]", "iou", "iou: [", "", "iou: {weight: }"])
def test_a_yaml_file_that_is_no_composition_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "reward.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"(?s)reward\.yaml.*write 'iou=1,format=0.5'"):
        load_reward(str(path))


@pytest.mark.parametrize("under", ["weight", "nothing"])
def test_a_yaml_file_whose_references_multiply_is_refused_at_once(tmp_path: Path, under: str) -> None:
    path = tmp_path / "reward.yaml"
    levels = "".join(f"&a{n + 1} [{', '.join([f'*a{n}'] * 9)}], " for n in range(12))
    bomb = f"[&a0 [x], {levels}x]"
    path.write_text(f"iou: {{weight: {bomb}}}" if under == "weight" else f"iou: {bomb}", encoding="utf-8")
    begin = time.monotonic()
    with pytest.raises(UserError, match=r"reward\.yaml: the weight .* of 'iou' is no number"):
        load_reward(str(path))
    assert time.monotonic() - begin < 5


def test_a_yaml_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere.yaml"):
        load_reward(str(tmp_path / "nowhere.yaml"))


def test_the_total_is_the_weighted_sum_and_weight_0_is_logged() -> None:
    result = composed("iou=2,format=0.5,count=-1,f1=0")
    assert result == {"score": pytest.approx(2 * 0.9 + 0.5 - 1), "iou": 0.9, "format": 1, "count": 1, "f1": 1}


def test_a_named_reward_may_be_a_part() -> None:
    alone = composed("paper")
    result = composed("paper=0.5,giou=1")
    assert result["score"] == pytest.approx(0.5 * alone["score"] + 0.95)
    assert result["paper"] == alone["score"]
    assert {f"paper.{name}" for name in alone if name != "score"} < set(result)
    assert result["paper.iou"] == alone["iou"]


def test_the_task_of_the_row_decides_which_parts_count() -> None:
    mixed = "iou=1,accuracy_equal=2,format=0.5"
    flower = {"response": "<think> red </think> <answer>rose</answer>", "truth": {"label": "rose"}}
    cup = {"response": "<think> red </think> <answer>(0,0),(100,90)</answer>", "truth": {"box": [0, 0, 100, 100]}}
    assert composed(mixed) == {"score": 1.4, "iou": 0.9, "format": 1}
    assert composed(mixed, "classification", **flower) == {"score": 2.5, "accuracy_equal": 1, "format": 1}
    assert composed(mixed, "grounding", **cup) == {"score": 1.4, "iou": 0.9, "format": 1}
    ranges = load_reward(mixed).ranges
    assert ranges == {**dict.fromkeys(HAVE_IOU, (0, 1.5)), "classification": (0, 2.5)}
    with pytest.raises(UserError, match="cannot score classification, only detection, grounding"):
        composed("iou=1,f1=1", "classification", **flower)


@pytest.mark.parametrize(
    ("reward", "tasks"),
    [
        ("iou=1,format=0.5", HAVE_IOU),
        ("f1=1,thinking_length=0.1,repetition=0.1", {"detection", "labelled_detection"}),
        ("accuracy_equal=1,format=0.5", {"classification"}),
        ("accuracy_closed_set=1,giou=1,format=0.5", {"classification", "detection", "grounding"}),
        ("robust=1,format=0.5", {*task_names()}),
        ("iou=1,accuracy_equal=0,format=0.5", HAVE_IOU),
        ("iou=0,accuracy_equal=1,format=0.5", {"classification"}),
        ("iou=0,format=0.5", {*task_names()}),
        ("iou=0", HAVE_IOU),
        ("format=1,repetition=1", {*task_names()}),
        ("format", {*task_names()}),
    ],
)
def test_a_task_is_not_paid_for_its_form_alone_beside_parts_that_judge_others(reward: str, tasks: set[str]) -> None:
    assert set(load_reward(reward).scorers) == tasks
    if "classification" not in tasks:
        with pytest.raises(UserError, match="cannot score classification.*add a part .* answer to classification"):
            score("classification", "<think> red </think> <answer>rose</answer>", {"label": "rose"}, reward)


def test_ranges_follow_the_sign_of_the_weight() -> None:
    assert load_reward("iou=2,count=-1").ranges["detection"] == (-1, 2)


def test_options_do_not_leak_into_the_same_component_elsewhere() -> None:
    strict = load_reward({"iou": {"weight": 1, "threshold": 0.95}})
    assert composed(strict)["iou"] == 0
    assert composed("iou=1")["iou"] == 0.9
    assert composed(strict)["iou"] == 0


@pytest.mark.parametrize("composition", ["nonsense=1", "iou=1,IoU=1"])
def test_an_unknown_part_lists_the_known_ones(composition: str) -> None:
    with pytest.raises(UserError, match="unknown reward .*accuracy_closed_set.*thinking_length"):
        load_reward(composition)


def test_every_part_is_explained() -> None:
    document = load_reward("iou=1,format=1,paper=0").documents["detection"]
    assert [line.split("``")[1] for line in document.splitlines() if line.startswith("- ``")] == [
        "iou",
        "format",
        "paper",
    ]


detection_components = st.sampled_from([name for name in COMPONENTS if "detection" in load_reward(name).scorers])
weights = st.integers(-8, 8).map(lambda weight: weight / 4)


@given(st.dictionaries(detection_components, weights, min_size=1))
def test_any_composition_is_its_parts_weighed_and_within_its_range(composition: dict[str, float]) -> None:
    result = composed(composition)
    assert result["score"] == pytest.approx(sum(weight * result[name] for name, weight in composition.items()))
    low, high = load_reward(composition).ranges["detection"]
    assert low <= result["score"] <= high
    assert result == composed(",".join(f"{name}={weight}" for name, weight in composition.items()))
